export {
  prepareTerraform,
  type TerraformInstallation,
  type TerraformSurroundings,
} from './terraform/installation.ts';
export { runTerraform, runTerraformScript } from './terraform/process.ts';
export { copyProject } from './terraform/project-copy.ts';
export {
  localAwsEnvironment,
  type TerraformBackend,
  TerraformRoot,
  type TerraformRootOptions,
  type TerraformVariables,
} from './terraform/root.ts';
