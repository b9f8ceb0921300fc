# Turns the preprocessed table into a version script: SOURCE (preprocessed) -> TARGET.
file(READ ${SOURCE} text)
string(REGEX REPLACE ".*SOCKTRACK_BEGIN" "" text "${text}")
string(REGEX REPLACE "SOCKTRACK_END.*" "" text "${text}")
string(REGEX REPLACE "[ \n]+" "\n    " text "${text}")
file(WRITE ${TARGET} "{\n  global:${text}\n  local:\n    *;\n};\n")
