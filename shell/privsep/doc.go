// Package privsep carries sessions over the border between two processes: the monitor, which holds drives, jobs, keys and the
// journal, and its child, which speaks SSH with strangers and holds nothing. It knows processes and messages, and neither
// SSH's protocol nor what a command does. (The words are OpenSSH's, whose sshd has been built like this since 2002.)
//
// Over the border go: from the child, a key and a login name to be looked up, that somebody logged in, 32 bytes to be signed
// with a host key, and one socket for each session; from the monitor, the answers, and what the child is to do. The child
// never says who somebody is, only which key was used, and the monitor looks up what that key may do.
package privsep
