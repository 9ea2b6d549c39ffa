/** Changes of some attributes of an item. */
export interface AttributeChanges {
  /** Numbers to add to attributes; a missing attribute counts as 0. */
  readonly add: Readonly<Record<string, number>>;
  readonly set: Readonly<Record<string, string | number>>;
  /** Values to set for missing attributes. */
  readonly setMissing?: Readonly<Record<string, string | number>>;
  readonly remove: readonly string[];
}

/** Builds an update expression with placeholders for names, because attribute names may be reserved words in DynamoDB. */
export function updateExpression({ add, set, setMissing = {}, remove }: AttributeChanges) {
  const names: Record<string, string> = {};
  const values: Record<string, string | number> = {};
  const nameOf = (attribute: string): string => {
    const name = `#u${Object.keys(names).length}`;
    names[name] = attribute;
    return name;
  };
  const placeholderOf = (value: string | number): string => {
    const name = `:u${Object.keys(values).length}`;
    values[name] = value;
    return name;
  };
  const clauses = {
    ADD: Object.entries(add).map(([name, number]) => `${nameOf(name)} ${placeholderOf(number)}`),
    SET: [
      ...Object.entries(set).map(([name, value]) => `${nameOf(name)} = ${placeholderOf(value)}`),
      ...Object.entries(setMissing).map(([attribute, value]) => {
        const name = nameOf(attribute);
        return `${name} = if_not_exists(${name}, ${placeholderOf(value)})`;
      }),
    ],
    REMOVE: remove.map(nameOf),
  };
  const expression = Object.entries(clauses)
    .flatMap(([word, parts]) => (parts.length === 0 ? [] : `${word} ${parts.join(', ')}`))
    .join(' ');
  return { expression, names, values };
}
