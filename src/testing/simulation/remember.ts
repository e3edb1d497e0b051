/** The function, which knows its last answer: several watchers ask the same of one event, one after the other. */
export function rememberLast<Key extends object, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  let last: { readonly key: Key; readonly value: Value } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}

/**
 * The function, which knows its last answers, at least `answers` of them: for what is asked of again and again, and then
 * never more. A WeakMap would know all of them, for several times what most of them cost.
 */
export function rememberSome<Key extends object, Value>(
  compute: (key: Key) => Value,
  answers = 512,
): (key: Key) => Value {
  let young = new Map<Key, Value>();
  let old = young;
  return (key) => {
    const known = young.get(key) ?? old.get(key);
    if (known !== undefined) return known;
    const value = compute(key);
    if (young.size === answers) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
    return value;
  };
}
