"""What every store of Pie stands on: the registry's and the platform's.

database    transactions on SQLite or PostgreSQL
opening     an engine for a URL
use         what a database is for
"""

from pie_sql.database import Database
from pie_sql.use import Use

__all__ = ["Database", "Use"]
