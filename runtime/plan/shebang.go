package plan

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// interpreter reads a script's first line for the path of a program. It gives
// nothing for a file that does not begin with #!, and an error where that line
// names a program which is not there.
func (f *finder) interpreter(file string) (string, error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	line, _ := bufio.NewReaderSize(in, 512).ReadSlice('\n')
	rest, ok := strings.CutPrefix(string(line), "#!")
	if !ok {
		return "", nil
	}
	if strings.HasSuffix(rest, "\r\n") {
		return "", fmt.Errorf("its first line ends in a carriage return, which the kernel takes for part of the interpreter's name")
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return "", fmt.Errorf("its first line is #! without an interpreter")
	}
	name := words[0]
	if sought := soughtByEnv(words); sought != "" {
		found, err := f.program(sought)
		if err != nil {
			return "", fmt.Errorf("its interpreter %s is not in PATH", sought)
		}
		return found, nil
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("its interpreter %s does not exist", name)
	}
	return name, nil
}

// soughtByEnv is the program that a first line has env look for in PATH; empty
// where that is not what it is about, or it has options that say more.
func soughtByEnv(words []string) string {
	if filepath.Base(words[0]) != "env" {
		return ""
	}
	words = words[1:]
	if len(words) > 0 && strings.HasPrefix(words[0], "-S") { // splits the rest, as is done here
		words[0] = strings.TrimPrefix(words[0], "-S")
		for len(words) > 0 && (words[0] == "" || strings.Contains(words[0], "=")) {
			words = words[1:]
		}
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "-") || strings.ContainsAny(words[0], "=\"'$\\") {
		return ""
	}
	return words[0]
}
