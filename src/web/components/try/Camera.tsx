/** What the camera sees, predicted again and again; nothing of it is kept. */
import { Alert, Button, Group, Stack } from "@mantine/core";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { base64In } from "../../pictures.ts";
import { t } from "../../texts.ts";

/** Between two looks, in milliseconds. */
const PAUSE = 400;
/** Side of what is sent, in pixels: the model takes fewer. */
const SIDE = 224;

type Trouble = keyof typeof t.tryIt.camera.trouble;
/** By the name of the browser's refusal. */
const troubles: Readonly<Record<string, Trouble>> = { NotAllowedError: "refused", NotFoundError: "none", OverconstrainedError: "none" };

export function Camera({ predict }: { readonly predict: (picture: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [stream, setStream] = useState<MediaStream>();
  const [trouble, setTrouble] = useState<Trouble>();
  const start = async () => {
    setTrouble(undefined);
    // Only pages that came over TLS, or from this machine, have it.
    if (!navigator.mediaDevices) return setTrouble("insecure");
    try {
      setStream(await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false }));
    } catch (error) {
      setTrouble(troubles[(error as Error).name] ?? "busy");
    }
  };
  const look = useEffectEvent(() => {
    const { videoWidth, videoHeight } = video.current!;
    if (!videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    // The square in the middle.
    const side = Math.min(videoWidth, videoHeight);
    canvas.getContext("2d")!.drawImage(video.current!, (videoWidth - side) / 2, (videoHeight - side) / 2, side, side, 0, 0, SIDE, SIDE);
    predict(base64In(canvas.toDataURL("image/jpeg", 0.9)));
  });
  useEffect(() => {
    if (!stream) return;
    video.current!.srcObject = stream;
    const timer = setInterval(() => look(), PAUSE);
    return () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
    };
  }, [stream]);
  return (
    <Stack gap="sm">
      {stream && <video ref={video} autoPlay muted playsInline className="camera" aria-label={t.tryIt.camera.picture} />}
      <Group>
        {stream ? (
          <Button variant="default" onClick={() => setStream(undefined)}>
            {t.tryIt.camera.stop}
          </Button>
        ) : (
          <Button onClick={() => void start()}>{t.tryIt.camera.start}</Button>
        )}
      </Group>
      {trouble && (
        <Alert color="yellow" role="alert" title={t.tryIt.camera.noPicture}>
          {t.tryIt.camera.trouble[trouble]}
        </Alert>
      )}
    </Stack>
  );
}
