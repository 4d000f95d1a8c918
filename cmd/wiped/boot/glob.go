package boot

import "strings"

// globMatch tells whether pattern, with *, ? and [...] as in modules.alias, covers the whole of name. Unlike path.Match
// it gives no character a meaning of its own, and a pattern that is broken matches nothing.
func globMatch(pattern, name string) bool {
	star, retry := -1, 0
	p, n := 0, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, retry = p, n
			p++
			continue
		}
		if size, ok := matchOne(pattern[p:], name[n]); ok {
			p, n = p+size, n+1
			continue
		}
		if star < 0 {
			return false
		}
		retry++
		p, n = star+1, retry
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne tells whether the first element of pattern matches c, and how long that element is.
func matchOne(pattern string, c byte) (size int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		end := strings.IndexByte(pattern[1:], ']')
		if end < 1 {
			return 0, false
		}
		return end + 2, inClass(pattern[1:1+end], c)
	}
	return 1, pattern[0] == c
}

func inClass(class string, c byte) bool {
	not := class[0] == '!' || class[0] == '^'
	if not {
		class = class[1:]
	}
	for i := 0; i < len(class); i++ {
		if i+2 < len(class) && class[i+1] == '-' {
			if class[i] <= c && c <= class[i+2] {
				return !not
			}
			i += 2
			continue
		}
		if class[i] == c {
			return !not
		}
	}
	return not
}
