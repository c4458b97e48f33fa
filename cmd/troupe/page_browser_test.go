//go:build e2e

package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A browser is a real Chromium with one page, which must come to its end without
// anything wrong on its console.
type browser struct {
	*testing.T
	ctx context.Context
	*heardSoFar
}

// heardSoFar is what a browser told of itself.
type heardSoFar struct {
	mu    sync.Mutex
	wrong []string
	asked []string // URLs that the page asked for
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, // a container's user has neither
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	whole, over := context.WithTimeout(context.Background(), browserPatience)
	t.Cleanup(over)
	alloc, stop := chromedp.NewExecAllocator(whole, options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	b := &browser{T: t, ctx: ctx, heardSoFar: &heardSoFar{}}
	b.do(chromedp.Navigate("about:blank"))
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, w := range b.wrongs() {
			t.Errorf("on the console: %s", w)
		}
	})
	return b
}

// in is the same browser for a part of a test.
func (b *browser) in(t *testing.T) *browser {
	return &browser{T: t, ctx: b.ctx, heardSoFar: b.heardSoFar}
}

// heard takes an event of the browser's in; it must not wait.
func (b *browser) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.wrong = append(b.wrong, text)
	case *runtime.EventConsoleAPICalled:
		var text []string
		for _, a := range e.Args {
			text = append(text, string(a.Value)+a.Description)
		}
		b.wrong = append(b.wrong, strings.Join(text, " "))
	case *log.EventEntryAdded:
		b.wrong = append(b.wrong, e.Entry.Text+" "+e.Entry.URL)
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *page.EventJavascriptDialogOpening:
		go func() {
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	}
}

// wrongs gives what went wrong so far, and forgets it.
func (b *browser) wrongs() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.wrong
	b.wrong = nil
	return all
}

// requests are the URLs that were asked for since the last call.
func (b *browser) requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.asked
	b.asked = nil
	return all
}

// browserPatience is how long all may take that is done with one browser: much longer
// than it does. A page that hangs answers nothing.
const browserPatience = 15 * time.Minute

// pagePatience is how long a browser's page may take to show something: much longer
// than it does, on a machine with other things to do.
const pagePatience = 60 * time.Second

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// open loads a page anew, even where only its fragment is another.
func (b *browser) open(url string) {
	b.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url))
}

// eval gives the value of an expression, which may be a promise of it.
func eval[T any](b *browser, js string, args ...any) T {
	b.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](fmt.Sprintf(js, args...), chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", js, err)
	}
	return got
}

// until waits until an expression holds on the page.
func (b *browser) until(js string, args ...any) {
	b.Helper()
	js = fmt.Sprintf(js, args...)
	for end := time.Now().Add(pagePatience); ; {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+js+")"))
		if err == nil && got {
			return
		}
		if time.Now().After(end) {
			b.shot("stuck")
			b.Fatalf("it never holds that %s (%v); the page says\n%s\nand its console %q", js, err, eval[string](b, "document.body.innerText"), b.wrongs())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// find is an expression that finds the first element of a selector whose text, or
// label, is as given.
func find(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].find(e => e.offsetParent !== null && (e.textContent.trim() === %q || e.getAttribute("aria-label") === %q))`, selector, text, text)
}

// press waits for a button, or a link, that can be pressed, and presses it.
func (b *browser) press(text string) {
	b.Helper()
	button := find(`button, a, [role="tab"], summary`, text)
	b.until(`%s && !%s.disabled`, button, button)
	eval[any](b, "(%s.click(), null)", button)
}

// form opens the page and fills the form for a run's scenario and name.
func (b *browser) form(h *host, scenario, name string) {
	b.Helper()
	b.open(h.link())
	b.fill("scenario", scenario)
	b.fill("name", name)
}

// set changes a value of the scenario in the form.
func (b *browser) set(assignment string) {
	b.Helper()
	b.press("Change values of the scenario")
	b.fill("path=value, one a line", assignment)
}

// fill writes into the field of a label.
func (b *browser) fill(label, value string) {
	b.Helper()
	field := fmt.Sprintf(`([...document.querySelectorAll("label")].find(l => l.offsetParent !== null && l.firstElementChild?.textContent.trim() === %q)?.querySelector("input, select, textarea") ?? %s)`, label, find("input, select, textarea", label))
	b.until("%s", field)
	eval[any](b, `(() => { const e = %s; if (e.type === "checkbox") e.checked = %q === "true"; else e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return null; })()`, field, value, value)
}

// number is a number in an attribute of an element.
func (b *browser) number(selector, attribute string) int {
	b.Helper()
	return eval[int](b, `Number(document.querySelector(%q)?.getAttribute(%q) ?? -1)`, selector, attribute)
}

// size makes the window so large, and its theme light or dark.
func (b *browser) size(width, height int64, theme string) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// shot looks at the page: something must be drawn on it. It is kept where
// TROUPE_SCREENSHOTS names a directory.
func (b *browser) shot(name string) {
	b.Helper()
	data, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if dir := os.Getenv("TROUPE_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	colours := map[any]bool{}
	for i := range picture.Bounds().Dx() * picture.Bounds().Dy() / 7 { // some of its points
		colours[picture.At(i*7%picture.Bounds().Dx(), i*7/picture.Bounds().Dx())] = true
	}
	if len(colours) < 8 {
		b.Errorf("%s has only %d colours", name, len(colours))
	}
}

// key presses a key as a person does.
func (b *browser) key(keys string) {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
}
