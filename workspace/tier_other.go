//go:build !linux

package workspace

import "errors"

var errNoWalls = errors.New("this system has none of the means that it takes")

type uidTier struct{}

func (uidTier) Barred(*Site) error        { return errNoWalls }
func (uidTier) Raise(*Site) (wall, error) { return nil, errNoWalls }

type landlockTier struct{}

func (landlockTier) Barred(*Site) error        { return errNoWalls }
func (landlockTier) Raise(*Site) (wall, error) { return nil, errNoWalls }

// LandlockABI is the version of Landlock that the kernel has; 0 for none.
func LandlockABI() int { return 0 }

func (u *uids) hold(int) (int, error) { return -1, errNoWalls }
