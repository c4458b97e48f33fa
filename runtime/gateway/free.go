package gateway

import (
	"io"
	"net/http"
)

// free passes on a request that costs nothing and is not kept: it asks what models
// there are, or how many tokens something has. In a re-execution there is nobody to
// ask.
func (g *Gateway) free(w http.ResponseWriter, r *http.Request, api *API, path string) {
	up := g.upstreams[api.Name]
	if up == nil || g.opts.Only {
		api.refuse(w, http.StatusNotFound, "not_found_error", "there is no upstream here that could answer this")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostRequest))
	if err != nil {
		api.refuse(w, http.StatusBadRequest, "invalid_request_error", "cannot read the request: "+err.Error())
		return
	}
	res, err := up.ask(r.Context(), r, path, body)
	if err != nil {
		api.refuse(w, http.StatusBadGateway, "api_error", "troupe cannot reach the upstream")
		return
	}
	defer func() { _ = res.Body.Close() }()
	for _, name := range returned {
		if v := res.Header.Values(name); len(v) > 0 {
			w.Header()[name] = v
		}
	}
	w.WriteHeader(res.StatusCode)
	keyless := newBlotter(w, up.Key)
	if _, err := io.Copy(keyless, res.Body); err != nil {
		panic(http.ErrAbortHandler) // what was passed on is no whole answer, and shall not look like one
	}
	_ = keyless.end()
}
