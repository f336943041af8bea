"""The two kinds of works, as one type."""

from pie.sched.generation import Generation
from pie.sched.pass_work import PassWork

AnyWork = PassWork | Generation
