// Package proxy is the one way out for processes that may connect to named hosts:
// an HTTP proxy that opens connections to what their lists have, and to nothing
// else.
//
// A process is known by the credential in its proxy's URL, which is worth nothing
// anywhere else, and is held to its own list. Names are resolved here, and the
// address that was looked at is the one that is connected to: what a name leads to
// is refused where it is no public address, unless the list has that address, or
// says localhost and that is where it leads. So who owns a listed name cannot have
// it lead to the machine's own services or to those of its network.
//
// CONNECT opens a tunnel, and nobody sees what goes through it. Requests for
// http:// URLs are passed on one by one.
package proxy
