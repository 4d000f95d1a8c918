package boot

import (
	"errors"
	"strings"
)

// argument is one of the kernel's arguments.
type argument struct{ name, value string }

// splitArguments splits the kernel's command line as the kernel does: at blanks outside double quotes. On top of that a
// backslash makes a quote, an apostrophe or a backslash ordinary, inside and outside quotes; GRUB writes them so.
func splitArguments(line string) (args []argument, err error) {
	var word strings.Builder
	begun, quoted := false, false
	end := func() {
		if begun {
			name, value, _ := strings.Cut(word.String(), "=")
			args = append(args, argument{name, value})
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line) && strings.IndexByte(`"'\`, line[i+1]) >= 0:
			i++
			word.WriteByte(line[i])
			begun = true
		case c == '"':
			quoted, begun = !quoted, true
		case !quoted && strings.IndexByte(" \t\n\r\v\f", c) >= 0:
			end()
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	end()
	if quoted {
		err = errors.New(`a double quote is not closed. Next: write a quote inside quotes as \"`)
	}
	return args, err
}

// moduleParams returns what the command line says to one module, in the form the kernel takes: for a driver that is
// not in the kernel itself, nobody else passes it on.
func moduleParams(args []argument, module string) string {
	var params []string
	for _, a := range args {
		name, param, ok := strings.Cut(a.name, ".")
		if !ok || moduleName(name) != module {
			continue
		}
		if a.value != "" {
			param += "=" + quoteParam(a.value)
		}
		params = append(params, param)
	}
	return strings.Join(params, " ")
}

func quoteParam(value string) string {
	if strings.ContainsAny(value, " \t") {
		return `"` + value + `"`
	}
	return value
}

// barredModules are the modules that modprobe.blacklist= keeps from being loaded for a device.
func barredModules(args []argument) map[string]bool {
	barred := map[string]bool{}
	for _, a := range args {
		if a.name == "modprobe.blacklist" || a.name == "module_blacklist" {
			for _, name := range strings.Split(a.value, ",") {
				barred[moduleName(name)] = true
			}
		}
	}
	return barred
}
