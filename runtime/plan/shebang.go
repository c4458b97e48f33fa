package plan

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// interpreter reads a script's first line for the path of a program. It gives nothing for a file that
// does not begin with #!, and an error where that line names a program which
// is not there.
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
	if filepath.Base(name) == "env" && len(words) > 1 && !strings.ContainsAny(words[1], "-=") {
		found, err := f.program(words[1])
		if err != nil {
			return "", fmt.Errorf("its interpreter %s is not in PATH", words[1])
		}
		return found, nil
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("its interpreter %s does not exist", name)
	}
	return name, nil
}
