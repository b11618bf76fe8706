using System.Diagnostics.CodeAnalysis;
using CN2.Api.Options;

namespace CN2.Api.Transport;

/// <summary>
/// A file, or several that belong together, replaced while the server runs. It is compared by content: a secret of Kubernetes is replaced by a link, and a
/// copy may keep its time. What is new counts when it looks the same twice, because it may be half written.
/// </summary>
/// <typeparam name="T">The content, or why it cannot be read; it has value equality.</typeparam>
/// <param name="read">Reads it as it is now.</param>
/// <param name="used">As it was at the start.</param>
internal sealed class ChangingFile<T>(Func<T> read, T used)
    where T : notnull
{
    private T _judged = used;
    private T _seen = used;

    /// <summary>Looks at it. True: there is something new, which is told once for each change.</summary>
    public bool TryLook([MaybeNullWhen(false)] out T content)
    {
        content = read();
        var isNew = content.Equals(_seen) && !content.Equals(_judged);
        if (isNew) _judged = content;
        _seen = content;
        return isNew;
    }
}

/// <summary>Of one file with text.</summary>
internal static class ChangingFile
{
    /// <param name="path">Of the file.</param>
    /// <param name="used">Its content at the start.</param>
    public static ChangingFile<(string? Text, string? Fault)> Of(string path, string? used) => new(() => ReadableFile.Read(path), (used, null));
}
