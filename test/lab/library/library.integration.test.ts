import { randomInt } from 'node:crypto';
import { CloudControlClient, GetResourceCommand, ListResourcesCommand } from '@aws-sdk/client-cloudcontrol';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { readLibrary } from '../../../scripts/library/compile.ts';
import { AccountBuilder } from '../accounts/account-builder.ts';
import { type AwsProxy, startAwsProxy } from '../aws-proxy/index.ts';
import { type CloudControlSimulation, startCloudControl } from '../cloud-control/index.ts';
import { schemaOf } from '../cloud-control/model.ts';
import { libraryCases } from './index.ts';

const endpoint = inject('localAwsEndpoint');
const REGION = 'eu-central-1';
const library = await readLibrary();

let proxy: AwsProxy;
let simulation: CloudControlSimulation;

beforeAll(async () => {
  proxy = await startAwsProxy({ upstream: () => endpoint });
  simulation = startCloudControl({ proxy });
});
afterAll(async () => {
  await simulation.stop();
  await proxy.stop();
});

test.each(library.map(({ id, definition }, index) => ({ id, definition, index })))(
  'a violation of $id is detected, and its model matches the published schema',
  async ({ id, definition, index }) => {
    const account = `7340${String(randomInt(100_000_000)).padStart(8, '0')}`;
    const site = { builder: new AccountBuilder(endpoint, account), region: REGION, name: `seen-${index}` };
    const labCase = libraryCases[id];
    if (labCase === undefined) throw new Error(`the lab has no case of ${id}`);

    const resource = await labCase.make(site);

    expect(await labCase.isViolated(site, resource)).toBe(true);
    const type = definition.desired_state?.resource_type;
    if (type === undefined) return;
    const cloudControl = new CloudControlClient({
      ...site.builder.settings(REGION),
      endpoint: proxy.endpoint,
    });
    const { ResourceDescriptions = [] } = await cloudControl.send(
      new ListResourcesCommand({ TypeName: type }),
    );
    const name = resource.split(/[:/]/).at(-1) ?? '';
    const found = ResourceDescriptions.flatMap(({ Identifier = '' }) => Identifier);
    const [Identifier] = found.filter((each) => each.endsWith(name));
    expect(found.join(' ')).toContain(name);
    const { ResourceDescription } = await cloudControl.send(
      new GetResourceCommand({ TypeName: type, Identifier }),
    );
    const model = z.record(z.string(), z.unknown()).parse(JSON.parse(ResourceDescription?.Properties ?? ''));
    expect(schemaOf(type).problemOf(model)).toBeUndefined();
  },
);
