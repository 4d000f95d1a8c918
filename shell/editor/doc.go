// Package editor knows how the bytes of one terminal become edited lines, and how text reaches that terminal without
// spoiling the line being typed; it must know nothing of commands, drives or SSH.
//
// It stands on golang.org/x/term and keeps that package's traps away from it. What the client sends is first turned into
// single keys (filter), which wait their turn (inbox), and x/term is handed one complete key at a time (feed), so that it
// never holds a partial sequence, a ^C, a ^D or a paste marker. What it draws goes into a queue (outbox), never to the
// terminal itself, so that nobody who needs x/term's lock waits for a slow client.
//
// Known limit: x/term counts every character as one cell wide, so wide and combining characters misplace the cursor on
// the screen. The content of the line stays right, and the next text that is printed, or ^L, draws it anew. Prompts are
// to be ASCII.
package editor
