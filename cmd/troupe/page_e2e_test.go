//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestE2EPage looks at the live page, and at reports, in a real browser. The program
// is built without the race detector, which is not what is looked at here.
func TestE2EPage(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "troupe")
	command(t, ".", "go", "build", "-o", binary, ".")
	for name, test := range map[string]func(*testing.T, string){"uses": pageUses, "endures": pageEndures, "fluid": pageFluid, "reports": pageReports} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary)
		})
	}
}

// pageUses uses the live page as a person does.
func pageUses(t *testing.T, binary string) {
	h, b := newHost(t, binary), newBrowser(t)
	b.size(1440, 900, "light")
	pageParts(h, b, []pagePart{
		{"start", pageStarts},
		{"steps", pageSteps},
		{"keyboard", pageKeyboard},
		{"agents", pageAgents},
		{"reconnects", pageReconnects},
		{"scrubs", pageScrubs},
		{"talks", pageTalks},
		{"human", pageHuman},
		{"chats", pageChats},
		{"sites", pageSites},
		{"uploads", pageUploads},
		{"fits", pageFits},
		{"tokens", pageTokens},
		{"deletes", pageDeletes},
	})
}

// A pagePart is one of the things that a test does with a host and a browser, each
// where the one before has left them.
type pagePart struct {
	name string
	do   func(*host, *browser)
}

func pageParts(h *host, b *browser, parts []pagePart) {
	for _, part := range parts {
		ok := h.Run(part.name, func(t *testing.T) {
			here, of := *h, b.in(t)
			here.T = t
			defer func() { h.cmd, h.ended = here.cmd, here.ended }() // whatever comes of it, it is stopped
			part.do(&here, of)
			for _, w := range b.wrongs() {
				t.Errorf("on the console: %s", w)
			}
		})
		if !ok {
			return
		}
	}
}

// A run is started from the page, held before its first tick.
func pageStarts(h *host, b *browser) {
	b.open(h.link())
	b.until(`document.querySelector("h1").textContent === "Runs"`)
	if got := eval[string](b, "location.href"); strings.Contains(got, "token") {
		b.Errorf("the token is still in the address: %s", got)
	}
	b.fill("scenario", "cells.yaml")
	b.until(`document.querySelector(".start").innerText.includes("imitate the best")`)
	b.fill("name", "cells")
	b.fill("begin paused", "true")
	b.press("Start")
	b.until(`document.querySelector("h1").textContent === "cells" && document.querySelector(".status").textContent === "paused"`)
	if b.number(".run", "data-newest") != -1 {
		b.Error("it plays though it is paused")
	}
}

// A paused run plays as many ticks as are asked for, and the world's picture
// changes with them.
func pageSteps(_ *host, b *browser) {
	b.press("Step")
	b.until(`document.querySelector(".run").dataset.newest === "0"`)
	b.until(`document.querySelector("canvas.grid")?.dataset.tick === "0"`)
	b.until(`document.querySelector(".picture .legend").innerText.replace(/\s+/g, " ") === "C 899 D 1"`)
	before := eval[string](b, `document.querySelector("canvas.grid").toDataURL()`)
	b.fill("Ticks of a step", "5")
	b.press("Step")
	b.until(`document.querySelector("canvas.grid").dataset.tick === "5"`)
	if eval[string](b, `document.querySelector("canvas.grid").toDataURL()`) == before {
		b.Error("the picture is that of five ticks ago")
	}
	b.fill("Speed", "20")
	b.press("Resume")
	b.until(`Number(document.querySelector("canvas.grid").dataset.tick) > 12`)
	b.press("Pause")
	b.until(`document.querySelector(".status").textContent === "paused"`)
	b.until(`document.querySelector(".charted canvas").getAttribute("aria-label").startsWith("cooperators: ")`)
}

// All that can be done can be done by the keyboard: each control is reached by Tab,
// has a name, and shows where the focus is.
func pageKeyboard(_ *host, b *browser) {
	eval[any](b, `(document.activeElement.blur(), null)`)
	b.open(eval[string](b, "location.href"))
	b.until(`document.querySelectorAll(".agents .name").length > 5 && document.querySelector("canvas.grid")?.dataset.tick > 12`)
	const describe = `(() => { const e = document.activeElement; if (e === document.body) return "";
		const name = e.getAttribute("aria-label") || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent || e.labels?.[0]?.textContent || e.textContent.trim();
		const seen = getComputedStyle(e).outlineStyle !== "none";
		return [e.tagName.toLowerCase(), name, seen ? "" : "not seen"].join("|"); })()`
	seen := map[string]bool{}
	for range 60 {
		b.key(kb.Tab)
		what := eval[string](b, describe)
		tag, rest, _ := strings.Cut(what, "|")
		name, wrong, _ := strings.Cut(rest, "|")
		if what != "" && (name == "" || wrong != "") {
			b.Errorf("the focus is at %s, named %q, %s", tag, name, wrong)
		}
		if seen[name] && name == "Skip to the content" {
			break
		}
		seen[name] = true
	}
	for _, name := range []string{"Skip to the content", "Runs", "Theme: system", "Resume", "Step", "Ticks of a step", "Speed", "Stop", "Play", "Tick", "cell-1"} {
		if !seen[name] {
			b.Errorf("Tab does not come to %q: %v", name, seen)
		}
	}
	eval[any](b, `(document.querySelector("input[type=range]").focus(), null)`)
	last := b.number(".run", "data-newest")
	b.key(kb.ArrowLeft)
	b.until(`Number(document.querySelector(".run").dataset.tick) === %d`, last-1)
	eval[any](b, `(%s.focus(), null)`, find("button", "Follow"))
	b.key(kb.Enter)
	b.until(`Number(document.querySelector(".run").dataset.tick) === %d`, last)
	eval[any](b, `(document.querySelector(".agents .name").focus(), null)`)
	b.key(kb.Enter)
	b.until(`document.activeElement.id === "panel-title"`)
	b.key(kb.Escape)
	b.until(`!document.querySelector(".panel") && document.activeElement.matches(".agents .name")`)
}

// An agent's turns, log and files are shown.
func pageAgents(_ *host, b *browser) {
	eval[any](b, `(document.querySelector(".scroll").scrollTop = 0, null)`)
	b.press("cell-1")
	b.until(`document.querySelectorAll(".turns article").length > 5`)
	b.until(`document.querySelector(".turns article").innerText.includes("observation")`)
	b.press("Log")
	b.until(`document.querySelector(".content").innerText.length > 5`)
	b.press("Files")
	b.until(`document.querySelector(".content .path")`)
	b.press("Close")
	b.until(`!document.querySelector(".panel")`)
	// Of 900 agents few are in the document; the last one is shown all the same.
	eval[any](b, `(document.querySelector(".scroll").scrollTop = 1e6, null)`)
	b.until(`document.querySelectorAll(".agents tbody tr").length < 80 && document.querySelector('.agents [aria-rowindex="901"] .name')?.textContent.startsWith("cell-")`)
}

// The supervisor is killed: the page says so, and goes on where it was once there
// is one again.
func pageReconnects(h *host, b *browser) {
	b.fill("Speed", "4")
	b.press("Resume")
	b.until(`document.querySelector(".status").textContent === "running"`)
	h.stop(syscall.SIGKILL)
	b.until(`document.getElementById("link").textContent.includes("Connection lost")`)
	b.shot("lost")
	before := b.number(".run", "data-newest")
	b.wrongs() // a browser writes refused connections down
	h.start()
	b.until(`document.getElementById("link").textContent === ""`)
	b.until(`Number(document.querySelector(".run").dataset.newest) > %d`, before+3)
	b.wrongs()
	b.press("Stop")
	b.until(`document.querySelector(".status").textContent === "interrupted"`)
	b.press("Go on with the run")
	b.until(`document.querySelector(".status").textContent === "running"`)
	b.fill("Speed", "0")
	b.until(`document.querySelector(".status").textContent === "finished"`)
	b.until(`document.querySelector("canvas.grid").dataset.tick === "149"`)
}

// A run that is over can be gone back in, to any tick.
func pageScrubs(h *host, b *browser) {
	b.open(h.link() + "&/run/cells") // as troupe run prints it
	b.until(`location.hash === "#/run/cells"`)
	b.until(`document.querySelector("canvas.grid")?.dataset.tick === "149"`)
	move := `(() => { const r = document.querySelector("input[type=range]"); r.value = %d; r.dispatchEvent(new Event("input")); return null; })()`
	eval[any](b, move, 0)
	b.until(`document.querySelector("canvas.grid").dataset.tick === "0" && document.querySelector(".picture .legend").innerText.replace(/\s+/g, " ") === "C 899 D 1"`)
	for _, tick := range []int{140, 17, 100, 101} {
		eval[any](b, move, tick)
	}
	b.until(`document.querySelector("canvas.grid").dataset.tick === "101"`)
	b.press("Play")
	b.until(`Number(document.querySelector("canvas.grid").dataset.tick) > 104`)
	b.press("Hold")
	b.press("To the end")
	b.until(`document.querySelector("canvas.grid").dataset.tick === "149"`)
}

// What agents say is shown by channel and pair, and as text whatever is in it.
func pageTalks(h *host, b *browser) {
	b.form(h, "talk.yaml", "talk")
	b.fill("ticks a second", "20")
	b.press("Start")
	b.until(`document.querySelectorAll(".threads-list li").length > 3`)
	b.press("Send a message into the run")
	b.fill("to", "#inn")
	b.fill("Message", `<img src=x onerror="document.title='taken'"> & all`)
	b.press("Send")
	b.until(`document.querySelector(".said").innerText.includes("<img src=x onerror")`)
	eval[any](b, `([...document.querySelectorAll(".threads-list button")].find(e => e.textContent.startsWith("#inn")).click(), null)`)
	b.until(`[...document.querySelectorAll(".said .who")].every(e => e.textContent.includes("to #inn"))`)
	if eval[int](b, `document.querySelectorAll("img").length`) != 0 || eval[string](b, "document.title") == "taken" {
		b.Error("a message is not shown as text")
	}
	b.shot("talk")
	b.press("Stop")
	b.until(`document.querySelector(".status").textContent === "interrupted"`)
}

// A person plays an agent from the page.
func pageHuman(h *host, b *browser) {
	b.form(h, "game.yaml", "game")
	b.set("agents.alice.kind=human")
	b.press("Start")
	b.press("alice")
	b.until(`document.querySelector(".seat .asked")?.textContent.includes("Tick 30 ")`) // the first match is the others'
	b.shot("human")
	b.press("Act")
	b.until(`document.querySelector(".seat .bad").textContent.includes("move: ")`)
	b.press("Write it as JSON instead")
	b.fill("Action as JSON", "not JSON")
	b.press("Act")
	b.until(`document.querySelector(".seat .bad").textContent.includes("no JSON")`)
	b.fill("Action as JSON", `{"move": "E"}`)
	b.press("Act")
	b.until(`document.querySelector(".seat .bad")?.textContent.includes("was not accepted")`)
	for tick := 30; tick < 33; tick++ { // by the field that the world's schema makes
		b.until(`document.querySelector(".seat .asked")?.textContent.includes("Tick %d ")`, tick)
		eval[any](b, `([...document.querySelectorAll(".seat .choice")].find(e => e.textContent === "C").click(), null)`)
		b.press("Act")
	}
	b.until(`document.querySelector(".race .bars").innerText.includes("alice")`)
	b.press("Stop")
	b.until(`document.querySelector(".status").textContent === "interrupted" && document.querySelector(".content").innerText.includes("nobody is asked")`)
	b.wrongs() // a browser writes down that the question was taken back
}

// Somebody outside talks with one agent, which answers.
func pageChats(h *host, b *browser) {
	b.form(h, "parrots.yaml", "parrots")
	b.press("Start")
	b.press("polly")
	b.press("Chat")
	for _, text := range []string{"hello", "bye"} {
		b.fill("Message", text)
		b.press("Send")
		b.until(`[...document.querySelectorAll(".content .said li")].at(-1)?.innerText.includes("<b>you said</b> %s")`, text)
	}
	b.press("Turns")
	b.until(`document.querySelectorAll(".turns article").length === 2`)
	b.shot("chat")
	b.press("Stop")
	b.until(`document.querySelector(".status").textContent === "interrupted"`)
}

// What an agent serves is one link away, in an origin of its own.
func pageSites(h *host, b *browser) {
	b.form(h, "shop.yaml", "shop")
	b.fill("begin paused", "true")
	b.press("Start")
	b.until(`document.querySelector(".status")?.textContent === "paused"`)
	b.press("Step")
	b.until(`document.querySelector(".run").dataset.newest === "0"`)
	b.press("builder")
	b.until(`document.querySelector("a.serves")`)
	b.open(eval[string](b, `document.querySelector("a.serves").href`))
	b.until(`document.body.innerText.includes("The shop")`)
	if got := eval[string](b, "origin"); got != "null" {
		b.Errorf("what an agent serves has the origin %s", got)
	}
	b.wrongs() // what agents serve may have no icon
	h.end("shop")
}

// A scenario of one's own is uploaded with its files; what is wrong with it is said,
// and where.
func pageUploads(h *host, b *browser) {
	mine := h.TempDir()
	for name, text := range map[string]string{
		"mine.yaml":  strings.ReplaceAll(strings.Replace(pageScenarios["parrots.yaml"], "realtime", "lockstep, ticks: 3", 1), "polly", "coco") + "world: {kind: conversation, config: {rounds: 3}}\n",
		"parrot.py":  pageScenarios["parrot.py"],
		"wrong.yaml": "name: wrong\nagent: []\n",
	} {
		write(h.T, filepath.Join(mine, name), text)
	}
	b.open(h.link())
	b.fill("scenario", "")
	choose := func(names ...string) {
		for i := range names {
			names[i] = filepath.Join(mine, names[i])
		}
		b.do(chromedp.SetUploadFiles("input[type=file]", names))
		b.press("Start")
	}
	choose("wrong.yaml")
	b.until(`document.querySelector(".problems")?.innerText.includes("wrong.yaml:2:1")`)
	b.wrongs() // a browser writes refusals down
	b.shot("problems")
	choose("mine.yaml", "parrot.py")
	b.until(`document.querySelector(".status")?.textContent === "finished" && document.querySelector(".agents .name")?.textContent === "coco"`)
}

// Every view fits a desk and a phone, in the light and in the dark.
func pageFits(h *host, b *browser) {
	h.run("scenarios/game.yaml", "--name", "over")
	for _, v := range []struct{ name, to, ready string }{
		{"runs", "", `document.querySelectorAll(".runs tbody tr").length >= 3`},
		{"grid", "cells", `document.querySelector("canvas.grid")?.dataset.draws > 0 && document.querySelectorAll(".agents .name").length > 5`},
		{"race", "over", `document.querySelectorAll(".bars li").length === 3 && document.querySelectorAll(".charted").length === 3`},
		{"threads", "talk", `document.querySelectorAll(".said li").length > 5`},
	} {
		for _, s := range []struct {
			name          string
			width, height int64
		}{{"wide", 1440, 900}, {"phone", 390, 844}} {
			for _, theme := range []string{"light", "dark"} {
				b.size(s.width, s.height, theme)
				b.open(h.link())
				if v.to != "" {
					b.press(v.to)
				}
				b.until("%s", v.ready)
				if over := eval[int](b, "document.scrollingElement.scrollWidth - innerWidth"); over > 0 {
					b.Errorf("%s, %s: %d pixels too wide", v.name, s.name, over)
				}
				if got := eval[string](b, "document.documentElement.dataset.theme"); got != theme {
					b.Errorf("the theme is %s, the system's %s", got, theme)
				}
				b.shot(v.name + "-" + s.name + "-" + theme)
			}
		}
	}
	b.size(1440, 900, "light")
}

// Who has no token is asked for one; who may look alone is told so.
func pageTokens(h *host, b *browser) {
	eval[any](b, `(sessionStorage.clear(), null)`)
	b.open("http://" + h.addr)
	b.until(`document.querySelector(".trouble").innerText.includes("wants a token")`)
	b.fill("Token", h.token("observe"))
	b.press("Use it")
	b.until(`document.querySelectorAll(".runs tbody tr").length >= 3`)
	b.press("Delete run over")
	b.until(`document.querySelector(".trouble").innerText.includes("may look but not change")`)
	b.wrongs() // a browser writes refusals down
	b.shot("token")
	b.fill("Token", h.token("control"))
	b.press("Use it")
	b.until(`document.querySelector(".runs").innerText.includes("over") && document.querySelector(".trouble").hidden`)
	b.wrongs()
}

func pageDeletes(h *host, b *browser) {
	b.open(h.link())
	b.press("Delete run over")
	b.until(`!document.querySelector(".runs").innerText.includes("over")`)
	if _, err := os.Stat(filepath.Join(h.dir, "data", "runs", "over")); err == nil {
		b.Error("it is still there")
	}
}
