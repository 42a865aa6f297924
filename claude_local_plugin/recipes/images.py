"""Which container images run on a machine: its processor, its GPUs' architecture, the CUDA of its driver."""

from collections.abc import Iterable

from claude_local_plugin.recipes.catalogue import Hardware, Image, Version, version_parts


def why_not(image: Image, hardware: Hardware, needs: Version | None = None) -> str | None:
    """Why an image cannot run there, or is too old for what it is to do; None where it can.

    A driver runs every CUDA of its own generation and of older ones: 13.0 runs 12.9, 12.4 runs 12.9 too, 12.9 not 13.0.
    """
    if hardware.machine not in image.machines:
        return f"is made for {' and '.join(image.machines)}, and this is {hardware.machine}"
    if (image.cuda is None) != (hardware.gpus == 0):
        return "is made for a CPU" if image.cuda is None else f"wants a GPU with CUDA {image.cuda}"
    if hardware.architecture is not None and hardware.gpus and hardware.architecture not in image.architectures:
        return f"has no kernels for SM {hardware.architecture}"
    if image.cuda and hardware.driver_cuda and _generation(image.cuda) > _generation(hardware.driver_cuda):
        return f"wants a driver of CUDA {image.cuda}, and this one has {hardware.driver_cuda}"
    if needs is not None and image.version is not None and version_parts(image.version) < needs.parts:
        return f"has {image.engine} {image.version}, and {needs.value} is needed"
    return None


def fitting(images: Iterable[Image], engine: str, hardware: Hardware, needs: Version | None = None) -> list[Image]:
    """The images of an engine that run there, the newest first; those of an unknown version last."""
    found = [each for each in images if each.engine == engine and why_not(each, hardware, needs) is None]
    return sorted(
        found, key=lambda each: (version_parts(each.version or "0"), version_parts(each.cuda or "0")), reverse=True
    )


def _generation(cuda: str) -> int:
    return next(iter(version_parts(cuda)), 0)
