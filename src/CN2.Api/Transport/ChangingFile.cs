using CN2.Api.Options;

namespace CN2.Api.Transport;

/// <summary>
/// A file that is replaced while the server runs. It is compared by content: a secret of Kubernetes is replaced by a link, and a copy may keep its
/// time. What is new counts when it looks the same twice, because it may be half written.
/// </summary>
/// <param name="path">Of the file.</param>
/// <param name="used">Its content at the start.</param>
internal sealed class ChangingFile(string path, string? used)
{
    private (string? Text, string? Fault) _judged = (used, null);
    private (string? Text, string? Fault)? _seen;

    /// <summary>The new content, or why it cannot be read as the end of "expected …", once for each change; null: nothing is new.</summary>
    public (string? Text, string? Fault)? Look()
    {
        var now = ReadableFile.Read(path);
        if (now == _judged)
        {
            _seen = null;
            return null;
        }

        if (now != _seen)
        {
            _seen = now;
            return null;
        }

        (_judged, _seen) = (now, null);
        return now;
    }
}
