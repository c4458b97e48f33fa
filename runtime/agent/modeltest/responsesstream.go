package modeltest

import "fmt"

// events are what Codex waits for: the response's beginning, each item with its
// pieces, and the response's end.
func (responsesAPI) events(r *Reply, q *Request) [][]byte {
	all := [][]byte{event("response.created", object{"response": response(q, "in_progress", []object{})})}
	items := r.items(q)
	for i, item := range items {
		all = append(all, event("response.output_item.added", object{"output_index": i, "item": item.begun()}))
		for _, part := range pieces(item.text) {
			all = append(all, event(item.delta, object{
				"item_id": item.whole["id"], "output_index": i, "content_index": 0, "summary_index": 0, "delta": part,
			}))
		}
		all = append(all, event("response.output_item.done", object{"output_index": i, "item": item.whole}))
	}
	end := r.response(q, items)
	return append(all, event("response."+end["status"].(string), object{"response": end}))
}

func (responsesAPI) whole(r *Reply, q *Request) []byte { return encode(r.response(q, r.items(q))) }

func (responsesAPI) garbled() []byte { return named("response.output_text.delta", broken) }

func (responsesAPI) aborted(q *Request, text string) []byte {
	failed := response(q, "failed", []object{})
	failed["error"] = object{"code": "server_is_overloaded", "message": responsesAPI{}.failure(overloaded, text)["error"].(object)["message"]}
	return event("response.failed", object{"response": failed})
}

// response is one around its output. Its status is how its last event ends, too.
func response(q *Request, status string, output []object) object {
	return object{"id": "resp_" + q.id(), "object": "response", "model": q.Model, "status": status, "output": output}
}

// response is the answer as it ends.
func (r *Reply) response(q *Request, items []outputItem) object {
	output := make([]object, len(items))
	for i, item := range items {
		output[i] = item.whole
	}
	status := "completed"
	if r.StopReason == "max_tokens" {
		status = "incomplete"
	}
	all := response(q, status, output)
	if status == "incomplete" {
		all["incomplete_details"] = object{"reason": "max_output_tokens"}
	}
	u := r.usage()
	in := u.Input + u.CacheRead + u.CacheWrite
	all["usage"] = object{
		"input_tokens": in, "input_tokens_details": object{"cached_tokens": u.CacheRead},
		"output_tokens": u.Output, "output_tokens_details": object{"reasoning_tokens": 0}, "total_tokens": in + u.Output,
	}
	return all
}

// An outputItem is a part of an answer with the event that its text comes in.
type outputItem struct {
	whole       object
	delta, text string
}

// begun is the item before any of its text came.
func (i *outputItem) begun() object {
	o := object{}
	for k, v := range i.whole {
		o[k] = v
	}
	for _, field := range []string{"content", "summary"} {
		if _, there := o[field]; there {
			o[field] = []object{}
		}
	}
	if _, there := o["arguments"]; there {
		o["arguments"] = ""
	}
	return o
}

// items are the parts of the answer, in their order, with ids like those of blocks.
func (r *Reply) items(q *Request) []outputItem {
	var all []outputItem
	add := func(kind, delta, text string, fields object) {
		fields["type"], fields["id"] = kind, fmt.Sprintf("%s_%s_%d", kind, q.id(), len(all))
		all = append(all, outputItem{fields, delta, text})
	}
	if r.Thinking != "" {
		add("reasoning", "response.reasoning_summary_text.delta", r.Thinking,
			object{"summary": []object{{"type": "summary_text", "text": r.Thinking}}, "encrypted_content": signature})
	}
	said := func(part object) object {
		return object{"role": "assistant", "status": "completed", "content": []object{part}}
	}
	if r.Text != "" {
		add("message", "response.output_text.delta", r.Text, said(object{"type": "output_text", "text": r.Text, "annotations": []object{}}))
	}
	if r.StopReason == "refusal" {
		add("message", "response.refusal.delta", "I cannot.", said(object{"type": "refusal", "refusal": "I cannot."}))
	}
	for i, tool := range r.Tools {
		input := tool.Input
		if input == nil {
			input = struct{}{}
		}
		arguments := string(encode(input))
		call := object{"call_id": fmt.Sprintf("call_%s_%d", q.id(), i), "name": tool.Name, "arguments": arguments, "status": "completed"}
		if tool.Namespace != "" {
			call["namespace"] = tool.Namespace
		}
		add("function_call", "response.function_call_arguments.delta", arguments, call)
	}
	return all
}
