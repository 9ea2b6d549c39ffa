import { builtinModules } from 'node:module';
import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/**
 * Lets ES modules load Node's built-in modules as lazily as CommonJS modules do. To import one, Node reads all of its exports,
 * and loads what they need: `node:http` exports `WebSocket`, which needs the whole client behind `fetch` (undici), a tenth of a cold start.
 * `process.getBuiltinModule` is in Node 22.3 and 20.16.
 */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z_/]+$/ }, ({ path }) => {
      const name = path.replace(/^node:/, '');
      return builtinModules.includes(name) ? { path: name, namespace: 'builtin' } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}');`,
    }));
  },
};
