import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const regionsSchema = z.looseObject({
  provider: z.object({ aws: z.array(z.looseObject({ region: z.string() })) }),
  module: z.record(z.string(), z.unknown()),
  locals: z.object({ regions: z.array(z.string()), per_region: z.array(z.string()) }),
});

/**
 * Removes a region from examples/organization, as a person does who no longer protects it.
 * @param root the example's folder
 * @param options.provider `stays` if resources of the region must still be destroyed; `goes` before the first apply
 */
export async function takeOutRegion(
  root: string,
  region: string,
  { provider: fate }: { readonly provider: 'stays' | 'goes' },
): Promise<void> {
  const block = region.replaceAll('-', '_');
  const file = path.join(root, 'regions.tf.json');
  const text = await readFile(file, 'utf8');
  const { provider, module, locals, ...others } = regionsSchema.parse(JSON.parse(text));
  const { [block]: _, ...modules } = module;
  const left = {
    regions: locals.regions.filter((name) => name !== region),
    per_region: locals.per_region.filter((name) => name !== `\${module.${block}}`),
  };
  const aws = provider.aws.filter((each) => fate === 'stays' || each.region !== region);
  await writeFile(file, JSON.stringify({ ...others, provider: { aws }, module: modules, locals: left }));
}
