using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>
/// Lists: all objects in one answer, or a page with a token for the next one. They are read in steps, each of a snapshot of its own, and the list has the
/// version of the first: a watch from it brings whatever changed since.
/// </summary>
internal sealed class ObjectLists(ObjectVersions versions, ChangeFeedReader feed)
{
    /// <summary>Objects of one step, and the most of a page with a limit; it bounds what a list holds in memory.</summary>
    private const int Step = 500;

    /// <summary>The same of objects that are held in memory anyway.</summary>
    private const int HeldStep = 10_000;

    /// <summary>What is written before the client must take some of it; bytes.</summary>
    private const int Buffered = 64 * 1024;

    private const string TokenTooOld = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use "
        + "the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were "
        + "created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

    /// <summary>
    /// What to answer instead of the list, when its version or token is too old (410 Expired). Not null with a token: with it the rest can be read.
    /// </summary>
    public async Task<(FailureStatus? Refused, ContinueToken? Fresh)> CheckAsync(IObjectReader reader, string? ns, ListRequest request, CancellationToken ct)
    {
        if (request.Continue is { } token)
        {
            if (await versions.FindAsync(token.Version, ct) is not null) return (null, null);
            return (FailureStatus.Expired(TokenTooOld), token with { Version = (await versions.MomentAsync(ct)).Version });
        }

        if (request.Version is not { } version) return (null, null);
        var moment = await versions.MomentAsync(ct);
        if (request.Match == VersionMatch.Exact || (request.Match is null && request.Limit > 0))
            return (await IsUnchangedAsync(reader, ns, version, ct) ? null : FailureStatus.Expired($"The resourceVersion for the provided list is too old: {version}; the newest is {moment.Version}."), null);
        // A later version than any: it is of another server.
        var isLater = version.IsOf(moment.EpochBegan) ? version.Transaction >= moment.Seen.Xmax : version.CompareTo(moment.Version) > 0;
        return (isLater ? FailureStatus.Expired($"Too large resource version: {version}, current: {moment.Version}") : null, null);
    }

    /// <summary>Writes the list.</summary>
    /// <param name="reader">Of the kind.</param>
    /// <param name="scope">Where the objects are.</param>
    /// <param name="request">The client's.</param>
    /// <param name="writer">Writes the client's form.</param>
    /// <param name="begin">Called once when the first objects were read: sets the headers of the answer.</param>
    /// <param name="body">Where to.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task WriteAsync(IObjectReader reader, NamespaceScope scope, ListRequest request, FormWriter writer, Action begin, Stream body, CancellationToken ct)
    {
        if (request.Limit > 0)
        {
            await WritePageAsync(reader, scope, request, writer, begin, body, ct);
            return;
        }

        (string, string)? after = request.After;
        Utf8JsonWriter? json = null;
        try
        {
            do
            {
                var held = request.Selector.IsEverything ? await reader.HeldAsync(scope, after, HeldStep, mayRead: true, ct) : null;
                var page = held is null ? await reader.ReadAsync(scope, request.Selector.Labels, after, Step, ct) : new ListedObjects(held.Moment, [], held.Last);
                if (json is null)
                {
                    begin();
                    json = new Utf8JsonWriter(body, FormWriter.Plain);
                    writer.StartList(json, Metadata(request, page.Moment, null));
                }

                foreach (var written in held?.Objects ?? [])
                {
                    writer.WriteWritten(json, written);
                    if (json.BytesPending > Buffered) await json.FlushAsync(ct);
                }

                foreach (var source in page.Objects.Where(request.Selector.Matches))
                {
                    writer.WriteItem(json, source);
                    if (json.BytesPending > Buffered) await json.FlushAsync(ct);
                }

                after = page.Last;
            }
            while (after is not null);
            FormWriter.EndList(json);
            await json.FlushAsync(ct);
        }
        finally
        {
            if (json is not null) await json.DisposeAsync();
        }
    }

    /// <summary>A page of a list with a limit. Its metadata come first, so it is read whole.</summary>
    private static async Task WritePageAsync(IObjectReader reader, NamespaceScope scope, ListRequest request, FormWriter writer, Action begin, Stream body, CancellationToken ct)
    {
        var most = Math.Min(request.Limit, Step);
        var held = request.Selector.IsEverything ? await reader.HeldAsync(scope, request.After, most, mayRead: request.Continue is not null, ct) : null;
        var page = held is null ? await PageAsync(reader, scope, request, most, ct) : new ListedObjects(held.Moment, [], held.Last);
        begin();
        await using var json = new Utf8JsonWriter(body, FormWriter.Plain);
        writer.StartList(json, Metadata(request, page.Moment, page.Last));
        foreach (var written in held?.Objects ?? []) writer.WriteWritten(json, written);
        foreach (var source in page.Objects) writer.WriteItem(json, source);
        FormWriter.EndList(json);
        await json.FlushAsync(ct);
    }

    /// <summary>The next objects that match, and the moment of the first step.</summary>
    private static async Task<ListedObjects> PageAsync(IObjectReader reader, NamespaceScope scope, ListRequest request, int most, CancellationToken ct)
    {
        VersionMoment? first = null;
        var after = request.After;
        var objects = new List<JsonObject>();
        while (true)
        {
            var page = await reader.ReadAsync(scope, request.Selector.Labels, after, most - objects.Count, ct);
            first ??= page.Moment;
            objects.AddRange(page.Objects.Where(request.Selector.Matches));
            if (page.Last is null || objects.Count == most) return new ListedObjects(first, objects, page.Last);
            after = page.Last;
        }
    }

    /// <summary>No object of the collection has changed since the version, so the list of now is the list of then.</summary>
    private async Task<bool> IsUnchangedAsync(IObjectReader reader, string? ns, ResourceVersion version, CancellationToken ct)
    {
        if (await versions.FindAsync(version, ct) is not { } position) return false;
        var page = await feed.ReadAsync(position, Step, ct);
        return page is { Gap: FeedGap.None, More: false } && !page.Rows.Exists(r => (ns is null || r.Namespace is null || r.Namespace == ns) && reader.Follows(r));
    }

    private static ResourceVersion VersionOf(ListRequest request, VersionMoment first) =>
        request.Continue?.Version ?? (request.Match == VersionMatch.Exact ? request.Version : null) ?? first.Version;

    private static JsonObject Metadata(ListRequest request, VersionMoment first, (string Namespace, string Name)? next)
    {
        var version = VersionOf(request, first);
        var metadata = new JsonObject { ["resourceVersion"] = version.ToString() };
        if (next is var (ns, name)) metadata["continue"] = new ContinueToken(version, ns, name, request.Scope).ToString();
        return metadata;
    }
}
