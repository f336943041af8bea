"""A Haystack pipeline of three components in the server's own process."""

from hayhooks import BasePipelineWrapper
from haystack import Pipeline, component


@component
class Plus:
    @component.output_types(x=int)
    def run(self, x: int):
        return {"x": x + 1}


class PipelineWrapper(BasePipelineWrapper):
    def setup(self) -> None:
        self.pipeline = Pipeline()
        for name in ("first", "second", "third"):
            self.pipeline.add_component(name, Plus())
        self.pipeline.connect("first.x", "second.x")
        self.pipeline.connect("second.x", "third.x")

    def run_api(self, x: int) -> int:
        return self.pipeline.run({"first": {"x": x}})["third"]["x"]
