"""What script/check-openapi leaves out: ids that schemathesis changes before it sends them.

It percent-decodes the value of a path parameter and encodes it again, so an id that holds, say, "%C3%A4" goes out as
another id, which the document does not allow, while its checks still expect the one that was drawn.
"""

from urllib.parse import unquote

import schemathesis


@schemathesis.hook
def filter_case(_context, case):
    sent = case.path_parameters.get("external_id", "") if case.path_parameters else ""
    is_meant_to_pass = case.meta is None or case.meta.generation.mode.value == "positive"
    return not is_meant_to_pass or all("!" <= character <= "~" for character in unquote(str(sent)))
