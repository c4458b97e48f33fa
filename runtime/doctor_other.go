//go:build !linux

package runtime

import "context"

// Only Linux has these.
func lookAtCapabilities(context.Context, string) Finding { return absent() }
func lookAtProcesses(context.Context, string) Finding    { return absent() }

func absent() Finding { return Finding{State: Lacking, Found: "this system has none"} }
