/**
 * Which folder may import which: the table of the layout in docs/architecture.md, read by dependency-cruiser. Whatever is
 * not allowed here fails `npm run test:imports`. `swc` reads the files, so that type-only imports count too.
 */

/** Each room with those that it may import, besides itself. */
const rooms = {
  model: [],
  aws: ['model'],
  changes: ['model', 'aws'],
  rules: ['model', 'aws', 'changes'],
  sources: ['model', 'aws'],
  collector: ['model', 'aws', 'sources', 'rules'],
  remediator: ['model', 'aws', 'changes', 'rules'],
};

/** Parts of the rules that are facts: data, without code that calls AWS. */
const facts = '^lambdas/rules/.*(facts|catalogue|permission|placeholders|runbook)\\.ts$';

const roomRules = Object.entries(rooms).map(([room, others]) => ({
  name: `${room}-imports`,
  comment: `lambdas/${room} may import ${others.length === 0 ? 'no other room' : others.join(', ')}`,
  severity: 'error',
  from: { path: `^lambdas/${room}/` },
  to: { path: '^lambdas/', pathNot: `^lambdas/(${[room, ...others].join('|')})/` },
}));

/** What the command line may import: values and what calls AWS, changes, and the facts of rules. */
const ofCommandLine = `^(cli/|lambdas/(model|aws|changes)/)|${facts}`;

export default {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Nothing may import itself, directly or through others.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...roomRules,
    {
      name: 'model-needs-only-zod',
      severity: 'error',
      from: { path: '^lambdas/model/' },
      to: { dependencyTypes: ['npm'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'collector-knows-facts-only',
      comment: "The collector loads the facts of rules, never a rule's code.",
      severity: 'error',
      from: { path: '^lambdas/(collector|sources)/' },
      to: { path: '^lambdas/rules/', pathNot: facts },
    },
    {
      name: 'cli-imports',
      comment: 'The command line may import model, aws, changes and the facts of rules.',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^(lambdas|test|scripts|demo)/', pathNot: ofCommandLine },
    },
    {
      name: 'functions-know-no-command-line',
      severity: 'error',
      from: { path: '^lambdas/' },
      to: { path: '^cli/' },
    },
    {
      name: 'one-door-to-each-source',
      comment: 'lambdas/sources/index.ts alone knows which sources there are.',
      severity: 'error',
      from: { path: '^lambdas/', pathNot: '^lambdas/sources/(index\\.ts$|netskope/)' },
      to: { path: '^lambdas/sources/[^/]+/' },
    },
    {
      name: 'record-needs-no-runbooks',
      comment:
        'Within the remediator: runbooks know the record, gates know both, and none of them knows a stage.',
      severity: 'error',
      from: { path: '^lambdas/remediator/record/' },
      to: { path: '^lambdas/remediator/(runbooks|gates|stages)/' },
    },
    {
      name: 'runbooks-need-no-gates',
      severity: 'error',
      from: { path: '^lambdas/remediator/runbooks/' },
      to: { path: '^lambdas/remediator/(gates|stages)/' },
    },
    {
      name: 'gates-need-no-stages',
      severity: 'error',
      from: { path: '^lambdas/remediator/gates/' },
      to: { path: '^lambdas/remediator/stages/' },
    },
    {
      name: 'facts-are-data',
      comment: 'What the collector, Terraform and the documents load calls nothing.',
      severity: 'error',
      from: { path: facts },
      to: { path: '^lambdas/(rules/.*(rule|index)\\.ts|aws/)' },
    },
    {
      name: 'product-knows-no-tests',
      severity: 'error',
      from: { path: '^lambdas/' },
      to: { path: '^(test|scripts|demo)/' },
    },
    {
      name: 'unused',
      comment: 'Nothing imports this file, and no function or test begins with it.',
      severity: 'error',
      from: {
        path: '^(cli|lambdas)/',
        pathNot: '^(cli|lambdas/(collector|remediator))/index\\.ts$',
        orphan: true,
      },
      to: {},
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
};
