// Package method knows the catalogue of erase methods as data, what each is worth and how it is called on paper; it must
// not know how a pass is written, what a job is or who asks for one.
package method
