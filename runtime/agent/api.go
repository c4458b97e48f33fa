package agent

import "strings"

// An API is a provider's interface that agents reach models by.
type API struct {
	Name string // in a scenario's gateway, and in addresses of the gateway
	Key  string // the environment variable of its key, and the usual name of that secret
	URL  string // the environment variable of its base address
	Path string // what that ends with
}

// APIs are all that the gateway knows.
var APIs = []API{
	{Name: "anthropic", Key: "ANTHROPIC_API_KEY", URL: "ANTHROPIC_BASE_URL"},
	{Name: "openai", Key: "OPENAI_API_KEY", URL: "OPENAI_BASE_URL", Path: "/v1"},
}

// LookupAPI finds one by its name; the zero API where there is none.
func LookupAPI(name string) API {
	for _, a := range APIs {
		if a.Name == name {
			return a
		}
	}
	return API{}
}

// Base is the API's base address for an agent, at a gateway that listens at an
// address.
func (a API) Base(address, id string) string {
	return "http://" + strings.Join([]string{address, id, a.Name}, "/") + a.Path
}
