package gateway

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
	"github.com/troupe-dev/troupe/workspace"
)

// An Exchange is one request of an agent and what was answered.
type Exchange struct {
	Agent   string `json:"agent"`
	Tick    int    `json:"tick"`    // that it is in
	Attempt int    `json:"attempt"` // of the observe that it has to answer
	Ordinal int    `json:"ordinal"` // so many came before, of the same three

	API   string `json:"api"`
	Path  string `json:"path"`
	Model string `json:"model"` // that was asked for
	Tools string `json:"tools"` // hash of those that it offers
	Hash  string `json:"hash"`  // of the normalised request: its body goes by that

	Response string `json:"response"` // the answer's body, by its hash
	Status   int    `json:"status"`
	Type     string `json:"type,omitempty"` // of the answer: its Content-Type
	Whole    bool   `json:"whole"`          // the answer came to its end

	Answered string       `json:"answered,omitempty"` // the model that answered
	Tokens   price.Tokens `json:"tokens"`
	USD      agent.USD    `json:"usd"`
}

// Exchanges are those of one run, in a directory of its own:
//
//	exchanges.jsonl     an Exchange a line, in the order in which they ended
//	bodies/<hash>.s2    requests and answers by the SHA-256 of what they hold
//
// One that Add has taken in is there whole; a line that is not whole is what a
// kill left, and its exchange never ended. The methods may be called concurrently.
type Exchanges struct {
	dir  string
	sync bool

	bodies [1 << 8]sync.Mutex // by the first byte of a hash: held by who writes such a body

	mu    sync.Mutex
	index *os.File
}

const (
	indexName  = "exchanges.jsonl"
	bodiesName = "bodies"
	bodySuffix = ".s2"
)

// OpenExchanges opens those of a directory, which it makes. Sync says that what
// is added is on disk when Add returns. The caller closes it.
func OpenExchanges(dir string, sync bool) (*Exchanges, error) {
	if err := os.MkdirAll(filepath.Join(dir, bodiesName), 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep what models answer: %w", err)
	}
	path := filepath.Join(dir, indexName)
	if err := dropTorn(path); err != nil {
		return nil, fmt.Errorf("cannot keep what models answer: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot keep what models answer: %w", err)
	}
	return &Exchanges{dir: dir, sync: sync, index: f}, nil
}

// dropTorn cuts off a last line that is not whole.
func dropTorn(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) {
		return os.Truncate(path, int64(whole))
	}
	return nil
}

// Close lets go of the directory.
func (x *Exchanges) Close() error { return x.index.Close() }

// Add keeps an exchange with its bodies, the normalised request and the answer, whose
// hashes it fills in.
func (x *Exchanges) Add(e *Exchange, request, response []byte) error {
	if err := x.add(e, request, response); err != nil {
		return fmt.Errorf("cannot keep what a model answered %s at tick %d: %w", e.Agent, e.Tick, err)
	}
	return nil
}

func (x *Exchanges) add(e *Exchange, request, response []byte) (err error) {
	if e.Hash, err = x.body(request); err != nil {
		return err
	}
	if e.Response, err = x.body(response); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	at, err := x.index.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err = x.index.Write(append(line, '\n')); err == nil && x.sync {
		err = x.index.Sync()
	}
	if err != nil { // half a line would hide the next one
		err = errors.Join(err, x.index.Truncate(at))
	}
	return err
}

// body keeps a body, once.
func (x *Exchanges) body(content []byte) (hash string, err error) {
	sum := sha256.Sum256(content)
	hash = hex.EncodeToString(sum[:])
	path := x.path(hash)
	one := &x.bodies[sum[0]]
	one.Lock()
	defer one.Unlock()
	if _, err := os.Stat(path); err == nil {
		return hash, nil
	}
	return hash, workspace.WriteFile(path, x.sync, func(w io.Writer) error {
		_, err := w.Write(s2.Encode(nil, content))
		return err
	})
}

func (x *Exchanges) path(hash string) string {
	return filepath.Join(x.dir, bodiesName, hash+bodySuffix)
}

// ReadExchanges gives all of a directory, in the order in which they ended.
func ReadExchanges(dir string, each func(*Exchange) error) error {
	f, err := os.Open(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read what models answered: %w", err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what follows the last end of a line is of one that never ended
		}
		var e Exchange
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err != nil {
			return fmt.Errorf("cannot read what models answered: %s:%d: %w", f.Name(), n, err)
		}
		if err := each(&e); err != nil {
			return err
		}
	}
}

// ReadBody gives a body of an exchange by its hash.
func ReadBody(dir, hash string) ([]byte, error) {
	packed, err := os.ReadFile((&Exchanges{dir: dir}).path(hash))
	if err == nil {
		var content []byte
		if content, err = s2.Decode(nil, packed); err == nil {
			if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) == hash {
				return content, nil
			}
			err = errors.New("it is damaged: its content has another hash")
		}
	}
	return nil, fmt.Errorf("cannot read what a model was asked or answered (%.16s): %w", hash, err)
}
