package modeltest

// A wire is one of the APIs that the server speaks: how it checks a request and
// what an answer looks like in it.
type wire interface {
	// check says what the real service would refuse.
	check(r *Request) error
	// events are an answer as a stream, whole the same in one object.
	events(r *Reply, q *Request) [][]byte
	whole(r *Reply, q *Request) []byte
	// failure is the body of an answer that is an error.
	failure(status int, text string) object
	// garbled is an event that is no JSON, aborted one that ends a stream whose
	// model is overloaded.
	garbled() []byte
	aborted(q *Request, text string) []byte
}

// messagesAPI is Anthropic's.
type messagesAPI struct{}

func (messagesAPI) failure(status int, text string) object { return failure(status, text) }

func (messagesAPI) garbled() []byte { return named("content_block_delta", broken) }

func (messagesAPI) aborted(_ *Request, text string) []byte {
	return event("error", failure(overloaded, text))
}

// broken is the beginning of an event.
var broken = []byte(`{"type":`)
