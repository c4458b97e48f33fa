package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// scripts are the endings of names that are meant as files, so that a typing
// error in one is told before anything starts.
var scripts = []string{".py", ".js", ".mjs", ".cjs", ".ts", ".sh", ".rb", ".pl", ".lua", ".php", ".jar"}

// A report takes one thing that is wrong, at a path below the one a resolver
// works on, such as .command[1].
type report func(at, message, hint string)

// A resolver turns the commands of one program into what can be started, and
// gathers the files that they need.
type resolver struct {
	find  *finder
	files fileSet
	wrong report

	readable readableSet
	known    map[string][]string // resolved commands, by their words
}

func newResolver(find *finder, wrong report) *resolver {
	return &resolver{find: find, files: fileSet{}, wrong: wrong, readable: readableSet{}, known: map[string][]string{}}
}

// globs gathers what files: names.
func (r *resolver) globs(patterns []string) {
	for i, pattern := range patterns {
		at := fmt.Sprintf(".files[%d]", i)
		if pattern == "" || path.IsAbs(pattern) || strings.ContainsRune(pattern, 0) {
			r.wrong(at, fmt.Sprintf("files: %q is not relative to the scenario", pattern),
				"name files beside the scenario, such as lib/**")
			continue
		}
		names, err := r.find.glob(pattern)
		switch {
		case err != nil:
			r.wrong(at, "cannot list files: "+err.Error(), "")
		case len(names) == 0:
			r.wrong(at, fmt.Sprintf("no file matches %q beside the scenario", pattern), "it is looked for in "+r.find.home())
		}
		for _, name := range names {
			r.add(at, name)
		}
	}
}

// text gathers the file of a prompt; an empty name is none.
func (r *resolver) text(at, name string) {
	switch {
	case name == "":
	case filepath.IsAbs(name):
		r.wrong(at, fmt.Sprintf("%s is not relative to the scenario", name), "put the file beside the scenario")
	default:
		r.add(at, name)
	}
}

// add brings in one file, and says whether that went well.
func (r *resolver) add(at, name string) bool {
	file, err := r.find.open(name)
	if err == nil {
		err = r.files.add(file)
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, fs.ErrNotExist):
		r.missing(at, name)
	case errors.Is(err, fs.ErrPermission):
		r.wrong(at, fmt.Sprintf("cannot read %s: permission denied", name), "make the file readable: chmod +r "+name)
	default:
		r.wrong(at, fmt.Sprintf("cannot read %s: %v", name, err), "")
	}
	return false
}

func (r *resolver) missing(at, name string) {
	r.wrong(at, fmt.Sprintf("no such file beside the scenario: %s", name), "it is looked for in "+r.find.home())
}

// command resolves filled words. What it gives is shared by all callers with
// the same words, and only of use where nothing was reported.
func (r *resolver) command(words []string) []string {
	key := strings.Join(words, "\x00")
	if out, ok := r.known[key]; ok {
		return out
	}
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = r.word(i, word)
	}
	if words[0] == "troupe" && r.find.troupe != nil {
		if err := r.find.troupe(words[1:]); err != nil {
			message, hint, _ := strings.Cut(err.Error(), ": ")
			r.wrong(".command", message, hint)
		}
	}
	r.starts(out)
	r.known[key] = out
	return out
}

// word resolves the word at index i of a command.
func (r *resolver) word(i int, word string) string {
	at := fmt.Sprintf(".command[%d]", i)
	switch {
	case strings.ContainsRune(word, 0):
		r.wrong(at, "a word of a command cannot hold a zero byte", "")
	case strings.HasPrefix(word, copied):
		if name := path.Clean(strings.TrimPrefix(word, copied)); !r.files.holds(name) {
			r.wrong(at, fmt.Sprintf("no copied file %s", word), "list it under files")
		}
	case i == 0:
		return r.head(at, word)
	case r.find.regular(word):
		if r.add(at, word) {
			return copied + within(word)
		}
	case looksLikeScript(word):
		r.missing(at, word)
	}
	return word
}

func looksLikeScript(word string) bool {
	return slices.Contains(scripts, path.Ext(word)) && !filepath.IsAbs(word) &&
		!strings.HasPrefix(word, "-") && !strings.ContainsAny(word, " \t\n;|&<>()$`\"'*:=,{}")
}

// head resolves a command's first word.
func (r *resolver) head(at, word string) string {
	switch {
	case word == "troupe":
		return word
	case word == "":
		r.wrong(at, "the program's name is empty", "name a program in PATH or a file beside the scenario")
		return word
	case r.find.regular(word):
		return r.script(at, word)
	case filepath.IsAbs(word):
		if info, err := os.Stat(word); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			r.wrong(at, fmt.Sprintf("%s is not a program that can be executed", word), "name a program in PATH or a file beside the scenario")
		}
		return word
	case strings.Contains(word, "/") || looksLikeScript(word):
		r.missing(at, word)
		return word
	}
	found, err := r.find.program(word)
	if err != nil {
		hint := "install it, or name a file beside the scenario"
		if words := strings.Fields(word); len(words) > 1 {
			hint = "write each word of the command by itself: [" + strings.Join(words, ", ") + "]"
		}
		r.wrong(at, fmt.Sprintf("no program %q in PATH, nor a file of that name beside the scenario", word), hint)
		return word
	}
	return found
}

// script resolves a first word that is a file beside the scenario.
func (r *resolver) script(at, word string) string {
	if !r.add(at, word) {
		return word
	}
	name := within(word)
	file := r.files[name]
	interpreter, err := r.find.interpreter(file.Source)
	switch {
	case err != nil:
		r.wrong(at, fmt.Sprintf("cannot execute %s: %v", word, err), "name the interpreter yourself: [python3, "+word+"]")
	case interpreter == "" && !file.Exec:
		r.wrong(at, fmt.Sprintf("%s is not executable", word),
			"make it so with chmod +x "+word+", or name its interpreter: [python3, "+word+"]")
	}
	file.Exec, file.Interpreter = true, interpreter
	r.allows(interpreter)
	r.files[name] = file
	return copied + name
}

// checkEnv refuses variables that the runtime sets itself.
func (r *resolver) checkEnv(env map[string]string) {
	for name := range env {
		if strings.HasPrefix(name, "TROUPE_") {
			r.wrong(".env."+name+":", name+" is set by the runtime", "choose a name that does not begin with TROUPE_")
		}
	}
}
