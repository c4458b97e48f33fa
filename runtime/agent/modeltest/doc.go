// Package modeltest is a stand-in for a model, for tests: a server on loopback
// that speaks Anthropic's Messages API, and OpenAI's Responses API, and answers
// what a script says, at once or late, whole or broken. Only tests import it.
//
//	model := modeltest.Start(modeltest.Say(`{"move": "stay"}`))
//	defer model.Close()
//	cmd.Env = append(cmd.Env, "ANTHROPIC_BASE_URL="+model.URL, "ANTHROPIC_API_KEY=k")
//
// It is as strict as the real service in what tells a broken client from a
// sound one: a request without a key, without the version's header, or with a
// call of a tool that nothing answers is refused, and Strays lists it.
package modeltest
