/**
 * Writes the valid attributes of object inputs to `modules/_inputs/shapes.json`, from the types in the `typed` folders, because
 * Terraform cannot list the attributes of a type. `modules/_inputs` checks the inputs of modules with it.
 *
 *     node scripts/input-shapes.ts           write
 *     node scripts/input-shapes.ts --check   change nothing; exit 1 when the file is stale
 */
import { writeGenerated } from './generated-files.ts';
import { parseType, type TypeExpression } from './terraform-docs/type-expression.ts';
import { typedFolders, typesIn } from './terraform-docs/typed-inputs.ts';

interface Word {
  readonly kind: 'string' | 'number' | 'bool' | 'list' | 'map' | 'any' | 'object' | 'objects';
  readonly words?: Words;
}
type Words = Readonly<Record<string, Word>>;
interface Shape {
  readonly holds: 'object' | 'map';
  readonly words: Words;
}

const file = 'modules/_inputs/shapes.json';

function wordsOf(type: TypeExpression, at: string): Words {
  if (type.kind !== 'object') throw new Error(`${at} is a ${type.kind}: expected an object`);
  return Object.fromEntries(
    type.attributes.map((attribute) => [attribute.name, wordOf(attribute.type, `${at}.${attribute.name}`)]),
  );
}

function wordOf(type: TypeExpression, at: string): Word {
  if (type.kind === 'object') return { kind: 'object', words: wordsOf(type, at) };
  if (type.kind === 'scalar') {
    const { name } = type;
    if (name === 'string' || name === 'number' || name === 'bool' || name === 'any') return { kind: name };
    throw new Error(`${at} is a ${name}: expected string, number, bool or any`);
  }
  if (type.of.kind === 'object' && type.name !== 'map')
    return { kind: 'objects', words: wordsOf(type.of, `${at}[…]`) };
  if (type.of.kind === 'scalar' && type.of.name === 'string')
    return { kind: type.name === 'map' ? 'map' : 'list' };
  throw new Error(`${at}: expected a list, set or map of strings, or a list of objects`);
}

function shapeOf(type: TypeExpression, at: string): Shape {
  if (type.kind === 'collection' && type.name === 'map')
    return { holds: 'map', words: wordsOf(type.of, `${at}[…]`) };
  return { holds: 'object', words: wordsOf(type, at) };
}

const shapes = new Map<string, Record<string, Shape>>();
for (const [module, folders] of typedFolders) {
  const types = await typesIn(folders);
  shapes.set(
    module,
    Object.fromEntries(
      [...types].map(([name, type]) => [name, shapeOf(parseType(type), `${module}, ${name}`)]),
    ),
  );
}
await writeGenerated(
  'shapes of inputs',
  new Map([[file, `${JSON.stringify(Object.fromEntries(shapes), null, 2)}\n`]]),
);
