// Package shell is the line-oriented shell of the appliance: words, roles and text, one file per command.
// It knows what an operator may say and how wiped answers; it knows nothing of SSH, and reaches drives only through the engine.
package shell
