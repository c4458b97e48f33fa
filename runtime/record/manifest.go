package record

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/workspace"
)

// A Manifest is a run's plan.json: what it was started with, on disk before
// anything starts. It never changes afterwards.
type Manifest struct {
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
	Troupe  Version   `json:"troupe"`
	Genesis string    `json:"genesis"` // H(0), hex
	// Isolation says which walls stood around the run's processes when it began.
	// One that is resumed elsewhere may have others then.
	Isolation workspace.Achieved `json:"isolation_achieved"`
	Scenario  string             `json:"scenario"` // the file, as the user named it
	SHA256    string             `json:"scenario_sha256"`
	// Rerun are the words of a command that plays the same again from the run's
	// own copies, in the run's directory (of a fork, its plan from the first tick
	// on); empty for a scenario that came from no file.
	Rerun    []string  `json:"rerun,omitempty"`
	Host     Host      `json:"host"`
	Programs []Program `json:"programs,omitempty"` // that the plan starts and are not in the run, by path
	Recorded []Source  `json:"recorded,omitempty"`
	// Models is the run whose models answer in this one; nil where they are asked.
	Models *ReplayModels `json:"replay_models,omitempty"`
	Clones []Clone       `json:"clones,omitempty"` // of repositories that workspaces begin with
	// Limits says how each limit of each entry is held on the machine that the run
	// was begun on.
	Limits map[string]map[string]string `json:"limits_enforced,omitempty"`
	Plan   plan.Plan                    `json:"plan"`
}

// A Source is a run whose agents answer in this one. Its log, as it was when
// this one began, is copied into the run.
type Source struct {
	Run     string `json:"run"`
	Genesis string `json:"genesis"` // hex
	Ticks   int    `json:"ticks"`
	Hash    string `json:"hash"` // after them, hex
}

// A ReplayModels says that what the models of another run answered is what those of
// this one answer.
type ReplayModels struct {
	Run string `json:"run"`
	// Strict refuses a request that is not the one on record; Onward has it, and all
	// of its agent's that follow, go to the model.
	Strict bool `json:"strict,omitempty"`
	Onward bool `json:"onward,omitempty"`
}

// A Clone is one of a repository, as it was when the run began.
type Clone struct {
	Dir    string `json:"dir"` // below the run's program directory
	Git    string `json:"git"`
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit"`
}

// A Version says which troupe a run was made by.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of its source, where the build knows it
	Modified bool   `json:"modified,omitempty"` // the source was not just that
	Go       string `json:"go"`
	System   string `json:"system"`
}

// A Host is the machine that a run was started on.
type Host struct {
	System     string `json:"system"` // as the kernel calls itself
	Kernel     string `json:"kernel"` // its release
	Machine    string `json:"machine"`
	Processors int    `json:"processors"` // that troupe may use
}

// A Program is one that a run starts from where it lies on the machine.
type Program struct {
	Path string `json:"path"`
	File string `json:"file,omitempty"` // that the path leads to, where that is another
	// Version is the first line of what it says when asked for it; of programs
	// that are not known to say it, and those that did not, one of the two below.
	Version string `json:"version,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	BuildID string `json:"build_id,omitempty"` // of a large file that has one, as its linker made it
	Error   string `json:"error,omitempty"`    // why there is none of them
}

// WriteManifest writes the manifest so that it is on disk, whole, when the
// call returns.
func WriteManifest(path string, m *Manifest) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("cannot write the manifest: %w", err)
	}
	err = workspace.WriteFile(path, true, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err == nil { // where the run's own directory was made a moment ago
		err = workspace.SyncDir(filepath.Dir(filepath.Dir(path)))
	}
	if err != nil {
		return fmt.Errorf("cannot write the manifest: %w", err)
	}
	return nil
}

// ReadManifest reads what WriteManifest wrote.
func ReadManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a run's manifest: %w", err)
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("cannot read a run's manifest: %s: %w", path, err)
	}
	return m, nil
}
