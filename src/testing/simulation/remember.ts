/**
 * Memory for what several watchers ask of one event, one after the other. Bounded and short: weak maps over everything
 * that a run writes cost more to collect than they spare.
 */

/** The function, which knows its last answer. */
export function rememberLast<Key extends object, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  let lastKey: Key | undefined;
  let lastValue: Value | undefined;
  return (key) => {
    if (key === lastKey && lastValue !== undefined) return lastValue;
    const value = compute(key);
    lastKey = key;
    lastValue = value;
    return value;
  };
}

const remembered = 256;

/** The function, which knows its answers of late. */
export function rememberSome<Key extends object, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = compute(key);
      if (known.size >= remembered) known.clear();
      known.set(key, value);
    }
    return value;
  };
}
