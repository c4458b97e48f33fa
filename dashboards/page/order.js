// Patterns and orders of ids, as the plan has them.

// matches says whether a pattern with * and ? covers a name.
export function matches(pattern, name) {
  const text = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${text}$`, "s").test(name);
}

// natural orders ids as people do: cell-2 before cell-10.
export function natural(a, b) {
  const x = parts(a), y = parts(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] === y[i]) continue;
    const numbers = /^\d/.test(x[i]) && /^\d/.test(y[i]);
    const d = numbers ? Number(x[i]) - Number(y[i]) : 0;
    if (d !== 0) return d;
    if (!numbers) return x[i] < y[i] ? -1 : 1;
  }
  return x.length - y.length || (a < b ? -1 : a > b ? 1 : 0);
}

const known = new Map();

function parts(id) {
  let p = known.get(id);
  if (!p) {
    if (known.size > 2e5) known.clear();
    known.set(id, p = id.match(/\d+|\D+/g) ?? []);
  }
  return p;
}
