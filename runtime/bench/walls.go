package bench

import (
	"context"

	"github.com/troupe-dev/troupe/runtime"
)

// unwalled says why the isolation of a size cannot be had; empty where it can.
func (l *lab) unwalled(s size) string {
	if s.isolation == "" {
		return ""
	}
	path, err := l.write(l.of(s))
	if err != nil {
		return err.Error()
	}
	p, err := expand(path)
	if err == nil {
		_, err = runtime.Survey(p, l.dir)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// floorWalls starts the same without walls.
func floorWalls(ctx context.Context, l *lab, s size) ([]float64, error) {
	s.isolation = ""
	return troupeSpawn(ctx, l, s)
}
