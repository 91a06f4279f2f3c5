/** What a model says of what one gives it: a row, a drawing, a picture, what the camera sees. */
import { Button, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import type { ExampleView, PredictionView, Run } from "../../shared/api/schemas.ts";
import { client, profileQuery } from "../api.ts";
import { figure } from "../format.ts";
import { useLatest } from "../latest.ts";
import { bytesIn, pngOf } from "../pictures.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { PictureForm } from "./try/PictureForm.tsx";
import { Prediction } from "./try/Prediction.tsx";
import { type Row, RowForm } from "./try/RowForm.tsx";

export type Sample = { readonly rows: Row[] } | { readonly picture: string };

interface TryItProps {
  readonly run: Pick<Run, "id" | "facts" | "state" | "source" | "settings" | "artifacts">;
  /** The experiment whose model is asked, where it is one. */
  readonly experiment?: string;
}

export function TryIt({ run, experiment }: TryItProps) {
  const { id, facts, state, source } = run;
  const work = useCallback(
    async (sample: Sample): Promise<PredictionView> => {
      const body = sample as never;
      const { predictions } = await (experiment
        ? client.call("predictWithExperiment", { params: { id: experiment }, body })
        : client.call("predictWithRun", { params: { id }, body }));
      return predictions[0]!;
    },
    [id, experiment],
  );
  const { ask, answer, error, busy, clear } = useLatest(work);
  const example = useMutation({ mutationFn: () => client.call("getExample", { params: { id } }) });
  /** Whether there are test records to try: those of the dataset, or those that a run of a built-in one leaves. */
  const isKept = source !== undefined || run.artifacts.some(({ name }) => name === "test-records.safetensors");
  const profile = useQuery({ ...profileQuery(source ? `${source.name}@${source.version}` : ""), enabled: source !== undefined });
  if (!facts || state !== "succeeded") return <Text>{t.run.noEvaluation}</Text>;

  const { inputs, pictureShape, sampleShape } = facts.dataset;
  const another = isKept && (
    <Button
      variant="default"
      loading={example.isPending}
      onClick={() => {
        clear();
        example.mutate();
      }}
    >
      {inputs?.length ? t.tryIt.row.random : t.tryIt.picture.random}
    </Button>
  );
  const forget = () => {
    clear();
    example.reset();
  };
  return (
    <Stack maw={900}>
      {inputs?.length ? (
        <RowForm
          key={example.data?.row}
          inputs={inputs}
          columns={profile.data?.columns ?? []}
          steps={facts.dataset.preprocessing ?? []}
          filled={example.data?.cells}
          busy={busy}
          predict={(row) => ask({ rows: [row] })}
        >
          {another}
        </RowForm>
      ) : (
        <PictureForm
          shape={pictureShape ?? sampleShape}
          given={pictureIn(example.data)}
          predict={(picture) => ask({ picture })}
          forget={forget}
          dark={(profile.data?.pictures?.mean[0] ?? 0) < 128}
        >
          {another}
        </PictureForm>
      )}
      <Failure error={error ?? example.error} />
      <div role="status">{answer && <Prediction prediction={answer} />}</div>
      {answer && example.data && (
        <Text>
          {t.tryIt.truth}:{" "}
          <strong className="name">{typeof example.data.truth === "number" ? figure(example.data.truth) : example.data.truth}</strong>
        </Text>
      )}
    </Stack>
  );
}

/** The address of an example's picture, and which example it is. */
function pictureIn(example: ExampleView | undefined): { readonly row: number; readonly address: string } | undefined {
  return example?.picture && { row: example.row, address: pngOf(bytesIn(example.picture.pixels), example.picture.shape) };
}
