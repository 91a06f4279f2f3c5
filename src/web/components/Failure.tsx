/** A refusal or failure: what happened and what to do, in the server's words. */
import { Alert, Button, Text } from "@mantine/core";
import { TrainyardError } from "../../shared/errors.ts";
import { t } from "../texts.ts";

export function Failure({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  if (!error) return null;
  const known = error instanceof TrainyardError;
  return (
    <Alert color="red" role="alert" title={known ? error.message : t.errorTitle} variant="light">
      <Text size="sm">{known ? error.fix : String((error as Error).message ?? error)}</Text>
      {retry && (
        <Button mt="xs" size="xs" variant="default" onClick={retry}>
          {t.retry}
        </Button>
      )}
    </Alert>
  );
}
