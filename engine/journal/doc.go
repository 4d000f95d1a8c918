// Package journal keeps what happened, durably: jobs and their ends (journal.db), the audit chain (audit.jsonl) and
// messages (messages.txt). It knows records of plain strings and numbers, and nothing of what wrote them or why.
package journal
