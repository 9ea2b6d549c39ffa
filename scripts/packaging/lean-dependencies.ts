import { readFile } from 'node:fs/promises';
import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const sdkSchemas = /[\\/]@aws-sdk[\\/]client-[\w-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;
const zodLocales = /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/;
const ourSources = /[\\/](cli|lambdas)[\\/].*\.ts$/;

/**
 * An SDK client describes every shape of its service in one file, in object literals with computed keys
 * (`{ [_eN]: … }`, where `const _eN = "ec2QueryName"`). A bundler can't drop these, used or not, because to compute a
 * key may run code; with the constant's own text as the key it drops all that no imported command needs. EC2: 560 kB
 * become 25 kB.
 */
export function inlineConstantKeys(source: string): string {
  const constants = new Map(
    [...source.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]),
  );
  return source.replace(/\[(_\w+)\]:/g, (key, name) => {
    const text = constants.get(name);
    return text === undefined ? key : `${text}:`;
  });
}

/**
 * Lets the bundler see what of the large dependencies is not used, so that a cold start reads less than half.
 * None of the three changes what the code does.
 */
export const leanDependencies: Plugin = {
  name: 'lean-dependencies',
  setup(build) {
    build.onLoad({ filter: sdkSchemas }, async ({ path }) => ({
      contents: inlineConstantKeys(await readFile(path, 'utf8')),
    }));
    // Zod's error messages in fifty languages; English alone is ever set.
    build.onLoad({ filter: zodLocales }, () => ({ contents: "export { default as en } from './en.js';" }));
    // `z` is a namespace in an export, of which a bundler keeps all; of a namespace import it keeps what is used.
    build.onLoad({ filter: ourSources }, async ({ path }) => ({
      loader: 'ts',
      contents: (await readFile(path, 'utf8')).replace("import { z } from 'zod'", "import * as z from 'zod'"),
    }));
  },
};
