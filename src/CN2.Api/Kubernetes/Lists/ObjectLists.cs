using System.Text.Json;
using System.Text.Json.Nodes;
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
    /// <summary>Objects of one step; it bounds what a list holds in memory.</summary>
    private const int Step = 500;

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
    /// <param name="ns">Of the path; null: all.</param>
    /// <param name="request">The client's.</param>
    /// <param name="writer">Writes the client's form.</param>
    /// <param name="begin">Called once when the first objects were read: sets the headers of the answer.</param>
    /// <param name="body">Where to.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task WriteAsync(IObjectReader reader, string? ns, ListRequest request, FormWriter writer, Action begin, Stream body, CancellationToken ct)
    {
        (string, string)? after = request.Continue is { } token ? (token.Namespace, token.Name) : null;
        var exact = request.Match == VersionMatch.Exact ? request.Version : null;
        if (request.Limit > 0)
        {
            var (first, objects, next) = await PageAsync(reader, ns, request, after, ct);
            var version = request.Continue?.Version ?? exact ?? first.Version;
            var metadata = Metadata(version);
            if (next is { } last) metadata["continue"] = new ContinueToken(version, last.Namespace, last.Name).ToString();
            begin();
            await using var page = new Utf8JsonWriter(body, FormWriter.Plain);
            writer.WriteList(page, metadata, objects);
            await page.FlushAsync(ct);
            return;
        }

        Utf8JsonWriter? json = null;
        try
        {
            do
            {
                var written = request.Selector.IsEverything ? await reader.ReadWrittenAsync(ns, after, Step, ct) : null;
                var page = written is null ? await reader.ReadAsync(ns, request.Selector.Labels, after, Step, ct) : new ListedObjects(written.Moment, [], written.Last);
                if (json is null)
                {
                    begin();
                    json = new Utf8JsonWriter(body, FormWriter.Plain);
                    writer.StartList(json, Metadata(request.Continue?.Version ?? exact ?? page.Moment.Version));
                }

                foreach (var source in written?.Objects ?? [])
                {
                    writer.WriteWritten(json, source);
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

    private static async Task<(VersionMoment First, List<JsonObject> Objects, (string Namespace, string Name)? Next)> PageAsync(
        IObjectReader reader, string? ns, ListRequest request, (string, string)? after, CancellationToken ct)
    {
        VersionMoment? first = null;
        var objects = new List<JsonObject>();
        while (true)
        {
            var most = Math.Min(Step, request.Limit - objects.Count);
            var page = request.Selector.IsEverything && await reader.ReadWrittenAsync(ns, after, most, ct) is { } written
                ? new ListedObjects(written.Moment, [.. written.Objects.Select(o => (JsonObject)JsonNode.Parse(o)!)], written.Last)
                : await reader.ReadAsync(ns, request.Selector.Labels, after, most, ct);
            first ??= page.Moment;
            objects.AddRange(page.Objects.Where(request.Selector.Matches));
            if (page.Last is null || objects.Count == request.Limit) return (first, objects, page.Last);
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

    private static JsonObject Metadata(ResourceVersion version) => new() { ["resourceVersion"] = version.ToString() };
}
