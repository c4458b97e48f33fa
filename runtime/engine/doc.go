// Package engine is the loop: each tick it asks the agents that have an
// observation, gathers their outcomes, steps the world with them in a fixed
// order, commits the tick's record, and only then lets anything of it show.
//
// What mail, membership, results and aliveness need is one structure, the
// society, which nothing but the application of a committed record changes.
// The running loop, resume and hydration therefore agree by construction: they
// apply the same records with the same code.
package engine
