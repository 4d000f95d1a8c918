// Package engine runs jobs: it picks the drives, holds them against the safety rules, submits, follows, cancels and resumes.
// It knows what may be erased and what a job has shown; it knows nothing of sessions, words or SSH, and is handed the
// sources of drives.
package engine
