package scenarios

import "embed"

// Library is the scenarios that ship with troupe and need nothing beside them:
// no file, no model.
//
//go:embed axelrod.yaml faults.yaml nowak-may.yaml rabbits.yaml rabbits-mortal.yaml rumour.yaml tournaments.yaml
var Library embed.FS
