namespace CN2.Api.Data;

/// <summary>What can be read of labels or annotations that are not all text.</summary>
/// <param name="labels">Those that are.</param>
/// <param name="leftOut">The first name whose value is left out; <c>$</c>: the document is no object, and all of it is left out.</param>
internal sealed class DamagedLabels(Dictionary<string, string> labels, string leftOut) : Dictionary<string, string>(labels)
{
    public string LeftOut => leftOut;
}
