// The page of `report --html` (cli/page.html), with @DATA@ where the data goes.
#pragma once

namespace socktrack {

extern const char* const kReportPage;

}  // namespace socktrack
