package modeltest

import (
	"bytes"
	"encoding/json"
	"strings"
)

// A Message is one of a conversation.
type Message struct {
	Role   string // user, assistant, or system for a client's remarks in between
	Blocks []Block
}

// UnmarshalJSON reads a message; one whose content is a string has one block.
func (m *Message) UnmarshalJSON(b []byte) error {
	var in struct {
		Role    string
		Content content
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*m = Message{Role: in.Role, Blocks: in.Content}
	return nil
}

// A Block is one piece of a message. Which fields are set depends on its type.
type Block struct {
	Type  string          // text, thinking, tool_use, tool_result, or another
	Text  string          // what was said or thought, or a tool's result
	ID    string          // of the call, for tool_use and tool_result
	Name  string          // of the tool, for tool_use
	Input json.RawMessage // for tool_use
	Error bool            // a tool_result that says the tool failed
}

// UnmarshalJSON reads a block.
func (b *Block) UnmarshalJSON(data []byte) error {
	var in struct {
		Type, Text, Thinking, ID, Name string
		Input                          json.RawMessage
		Of                             string `json:"tool_use_id"`
		Content                        content
		Error                          bool `json:"is_error"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	switch in.Type {
	case "input_text", "output_text", "summary_text": // the Responses API's names
		in.Type = "text"
	}
	*b = Block{
		Type: in.Type, Text: in.Text + in.Thinking + in.Content.text(),
		ID: in.ID + in.Of, Name: in.Name, Input: in.Input, Error: in.Error,
	}
	return nil
}

// content is what the API lets be a string or a list of blocks.
type content []Block

// UnmarshalJSON takes what is neither for nothing: other types of blocks have
// contents of their own.
func (c *content) UnmarshalJSON(b []byte) error {
	switch b = bytes.TrimSpace(b); b[0] {
	case '"':
		block := Block{Type: "text"}
		*c = content{block}
		return json.Unmarshal(b, &(*c)[0].Text)
	case '[':
		return json.Unmarshal(b, (*[]Block)(c))
	}
	return nil
}

// text joins the texts by newlines.
func (c content) text() string {
	var texts []string
	for _, b := range c {
		if b.Type == "text" {
			texts = append(texts, b.Text)
		}
	}
	return strings.Join(texts, "\n")
}
