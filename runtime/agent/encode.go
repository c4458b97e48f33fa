package agent

import (
	"strconv"
	"time"
)

// AppendInit appends the line that opens the conversation with one agent,
// newline included. Like all encoders here it takes the JSON it is given as
// compact and valid, and allocates nothing but dst's growth.
func AppendInit(dst []byte, in Init) []byte {
	dst = append(dst, `{"type":"init","protocol":`...)
	dst = strconv.AppendInt(dst, Protocol, 10)
	dst = append(dst, `,"run":`...)
	dst = AppendString(dst, in.Run)
	dst = append(dst, `,"agent":`...)
	dst = AppendString(dst, in.Agent)
	dst = append(dst, `,"seed":`...)
	dst = strconv.AppendUint(dst, in.Seed, 10)
	dst = append(dst, `,"config":`...)
	dst = appendValue(dst, in.Config, "{}")
	if len(in.State) > 0 {
		dst = append(dst, `,"state":`...)
		dst = append(dst, in.State...)
	}
	return append(dst, '}', '\n')
}

// AppendObserve appends the line that asks an agent for its action, newline
// included. o's Seed and Config are not written.
func AppendObserve(dst []byte, o *Observe) []byte {
	return append(appendObserve(dst, o), '}', '\n')
}

// AppendTurn appends an observe line that stands alone: it carries the seed
// and the config that an init would have brought.
func AppendTurn(dst []byte, o *Observe) []byte {
	dst = appendObserve(dst, o)
	dst = append(dst, `,"seed":`...)
	dst = strconv.AppendUint(dst, o.Seed, 10)
	dst = append(dst, `,"config":`...)
	dst = appendValue(dst, o.Config, "{}")
	return append(dst, '}', '\n')
}

func appendObserve(dst []byte, o *Observe) []byte {
	dst = append(dst, `{"type":"observe","agent":`...)
	dst = AppendString(dst, o.Agent)
	dst = append(dst, `,"tick":`...)
	dst = strconv.AppendInt(dst, int64(o.Tick), 10)
	if o.Deadline > 0 {
		dst = append(dst, `,"deadline_ms":`...)
		// Rounded up: 0 would read as no deadline.
		dst = strconv.AppendInt(dst, int64((o.Deadline+time.Millisecond-1)/time.Millisecond), 10)
	}
	dst = append(dst, `,"observation":`...)
	dst = appendValue(dst, o.Observation, "null")
	dst = append(dst, `,"messages":[`...)
	for i := range o.Messages {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendMessage(dst, &o.Messages[i])
	}
	dst = append(dst, `],"results":[`...)
	for i, result := range o.Results {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, result...)
	}
	dst = append(dst, ']')
	if o.Attempt > 1 {
		dst = append(dst, `,"attempt":`...)
		dst = strconv.AppendInt(dst, int64(o.Attempt), 10)
		dst = append(dst, `,"error":`...)
		dst = AppendString(dst, o.Error)
	}
	return dst
}

func appendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, `{"from":`...)
	dst = AppendString(dst, m.From)
	if m.Channel != "" {
		dst = append(dst, `,"channel":`...)
		dst = AppendString(dst, m.Channel)
	}
	dst = append(dst, `,"body":`...)
	dst = appendValue(dst, m.Body, "null")
	if m.Redelivered {
		dst = append(dst, `,"redelivered":true`...)
	}
	return append(dst, '}')
}

// AppendSnapshot appends the line that asks an agent for its state.
func AppendSnapshot(dst []byte, agent string) []byte {
	dst = append(dst, `{"type":"snapshot","agent":`...)
	dst = AppendString(dst, agent)
	return append(dst, '}', '\n')
}

// AppendStop appends the line that ends the conversation with one agent.
func AppendStop(dst []byte, agent, reason string) []byte {
	dst = append(dst, `{"type":"stop","agent":`...)
	dst = AppendString(dst, agent)
	dst = append(dst, `,"reason":`...)
	dst = AppendString(dst, reason)
	return append(dst, '}', '\n')
}

// appendValue appends a value, or the given one where there is none.
func appendValue(dst, value []byte, none string) []byte {
	if len(value) == 0 {
		return append(dst, none...)
	}
	return append(dst, value...)
}

// AppendAct appends an agent's answer, newline included: what Decode reads.
func AppendAct(dst []byte, a *Act) []byte {
	dst = append(dst, `{"type":"act","agent":`...)
	dst = AppendString(dst, a.Agent)
	dst = append(dst, `,"tick":`...)
	dst = strconv.AppendInt(dst, int64(a.Tick), 10)
	dst = append(dst, `,"action":`...)
	dst = appendValue(dst, a.Action, "null")
	for i, m := range a.Send {
		if i == 0 {
			dst = append(dst, `,"send":[`...)
		} else {
			dst = append(dst, ',')
		}
		name, value := `{"to":`, m.To
		if m.Channel != "" {
			name, value = `{"channel":`, m.Channel
		}
		dst = AppendString(append(dst, name...), value)
		dst = append(dst, `,"body":`...)
		dst = append(appendValue(dst, m.Body, "null"), '}')
	}
	if len(a.Send) > 0 {
		dst = append(dst, ']')
	}
	if a.Done {
		dst = append(dst, `,"done":true`...)
	}
	return append(dst, '}', '\n')
}
