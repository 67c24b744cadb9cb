# SPDX-License-Identifier: GPL-3.0-or-later
"""Which method names each version of Resolve has, by the documentation that came with it.

A script cannot ask in any other way: a missing method evaluates to None, so `name in dir(obj)` is the only test.
"""

from __future__ import annotations

import re

VERSIONS = ("18.5", "18.6", "19.0", "19.1", "20.0", "20.1", "20.2", "21.0", "21.0.4", "21.1")

# class → the version that brought them → names
_NAMES: dict[str, dict[str, str]] = {
    "Resolve": {
        "18.5": (
            "DeleteLayoutPreset ExportLayoutPreset Fusion GetCurrentPage GetMediaStorage GetProductName "
            "GetProjectManager GetVersion GetVersionString ImportLayoutPreset LoadLayoutPreset OpenPage Quit "
            "SaveLayoutPreset UpdateLayoutPreset"
        ),
        "18.6": "ExportBurnInPreset ExportRenderPreset ImportBurnInPreset ImportRenderPreset",
        "19.0": "GetKeyframeMode SetKeyframeMode",
        "20.2": "GetFairlightPresets",
        "21.0": "DisableBackgroundTasksForCurrentResolveSession",
    },
    "ProjectManager": {
        "18.5": (
            "ArchiveProject CloseProject CreateFolder CreateProject DeleteFolder DeleteProject ExportProject "
            "GetCurrentDatabase GetCurrentFolder GetCurrentProject GetDatabaseList GetFolderListInCurrentFolder "
            "GetFoldersInCurrentFolder GetProjectListInCurrentFolder GetProjectsInCurrentFolder GotoParentFolder "
            "GotoRootFolder ImportProject LoadProject OpenFolder RestoreProject SaveProject SetCurrentDatabase"
        ),
        "18.6": "CreateCloudProject ImportCloudProject RestoreCloudProject",
        "19.1": "LoadCloudProject",
    },
    "Project": {
        "18.5": (
            "AddRenderJob DeleteAllRenderJobs DeleteRenderJob DeleteRenderJobByIndex ExportCurrentFrameAsStill "
            "GetCurrentRenderFormatAndCodec GetCurrentRenderMode GetCurrentTimeline GetGallery GetMediaPool GetName "
            "GetPresetList GetPresets GetRenderCodecs GetRenderFormats GetRenderJobList GetRenderJobStatus "
            "GetRenderJobs GetRenderPresetList GetRenderPresets GetRenderResolutions GetSetting GetTimelineByIndex "
            "GetTimelineCount GetUniqueId InsertAudioToCurrentTrackAtPlayhead IsRenderingInProgress LoadBurnInPreset "
            "LoadRenderPreset RefreshLUTList SaveAsNewRenderPreset SetCurrentRenderFormatAndCodec SetCurrentRenderMode "
            "SetCurrentTimeline SetName SetPreset SetRenderSettings SetSetting StartRendering StopRendering"
        ),
        "19.0": "AddColorGroup DeleteColorGroup GetColorGroupsList",
        "19.1": "DeleteRenderPreset GetQuickExportRenderPresets RenderWithQuickExport",
        "20.2": "ApplyFairlightPresetToCurrentTimeline",
        "21.0": "GenerateSpeech ResetIntellisearchAnalysis",
        "21.1": "GetSettings SetSettings",
    },
    "MediaStorage": {
        "18.5": (
            "AddClipMattesToMediaPool AddItemListToMediaPool AddItemsToMediaPool AddTimelineMattesToMediaPool "
            "GetFileList GetFiles GetMountedVolumeList GetMountedVolumes GetSubFolderList GetSubFolders "
            "RevealInStorage"
        ),
    },
    "MediaPool": {
        "18.5": (
            "AddSubFolder AppendToTimeline CreateEmptyTimeline CreateTimelineFromClips DeleteClipMattes DeleteClips "
            "DeleteFolders DeleteTimelines ExportMetadata GetClipMatteList GetCurrentFolder GetRootFolder "
            "GetTimelineMatteList GetUniqueId ImportFolderFromFile ImportMedia ImportTimelineFromFile MoveClips "
            "MoveFolders RefreshFolders RelinkClips SetCurrentFolder UnlinkClips"
        ),
        "18.6": "CreateStereoClip",
        "19.0": "GetSelectedClips SetSelectedClip",
        "19.1": "AutoSyncAudio",
    },
    "Folder": {
        "18.5": "Export GetClipList GetClips GetIsFolderStale GetName GetSubFolderList GetSubFolders GetUniqueId",
        "18.6": "ClearTranscription TranscribeAudio",
        "21.0": (
            "AnalyzeForIntellisearch AnalyzeForSlate ClearAudioClassification PerformAudioClassification "
            "RemoveMotionBlur"
        ),
    },
    "MediaPoolItem": {
        "18.5": (
            "AddFlag AddMarker ClearClipColor ClearFlags ClearTranscription DeleteMarkerAtFrame "
            "DeleteMarkerByCustomData DeleteMarkersByColor GetClipColor GetClipProperty GetFlagList GetFlags "
            "GetMarkerByCustomData GetMarkerCustomData GetMarkers GetMediaId GetMetadata GetName GetUniqueId "
            "LinkProxyMedia ReplaceClip SetClipColor SetClipProperty SetMetadata TranscribeAudio UnlinkProxyMedia "
            "UpdateMarkerCustomData"
        ),
        "19.0": "GetAudioMapping GetThirdPartyMetadata SetThirdPartyMetadata",
        "19.1": "ClearMarkInOut GetMarkInOut SetMarkInOut",
        "20.0": "LinkFullResolutionMedia MonitorGrowingFile ReplaceClipPreserveSubClip",
        "20.2": "SetName",
        "21.0": (
            "AnalyzeForIntellisearch AnalyzeForSlate ClearAudioClassification PerformAudioClassification "
            "RemoveMotionBlur"
        ),
        "21.1": "GetTranscription SetAudioMapping",
    },
    "Timeline": {
        "18.5": (
            "AddMarker AddTrack CreateCompoundClip CreateFusionClip CreateSubtitlesFromAudio DeleteClips "
            "DeleteMarkerAtFrame DeleteMarkerByCustomData DeleteMarkersByColor DeleteTrack DetectSceneCuts "
            "DuplicateTimeline Export GetCurrentClipThumbnailImage GetCurrentTimecode GetCurrentVideoItem GetEndFrame "
            "GetIsTrackEnabled GetIsTrackLocked GetItemListInTrack GetItemsInTrack GetMarkerByCustomData "
            "GetMarkerCustomData GetMarkers GetName GetSetting GetStartFrame GetStartTimecode GetTrackCount "
            "GetTrackName GetUniqueId GrabAllStills GrabStill ImportIntoTimeline InsertFusionCompositionIntoTimeline "
            "InsertFusionGeneratorIntoTimeline InsertFusionTitleIntoTimeline InsertGeneratorIntoTimeline "
            "InsertOFXGeneratorIntoTimeline InsertTitleIntoTimeline SetClipsLinked SetCurrentTimecode SetName "
            "SetSetting SetStartTimecode SetTrackEnable SetTrackLock SetTrackName UpdateMarkerCustomData"
        ),
        "18.6": "ConvertTimelineToStereo",
        "19.0": "AnalyzeDolbyVision GetNodeGraph GetTrackSubType",
        "19.1": "ClearMarkInOut GetMarkInOut GetMediaPoolItem SetMarkInOut",
        "20.1": "GetVoiceIsolationState SetVoiceIsolationState",
        "21.0.4": "GetSelectedClips",
        "21.1": (
            "AutoAlignClips GetNormalizeAudioModes GetOutputBlanking GetSettings NormalizeAudioLevel SetOutputBlanking "
            "SetSettings"
        ),
    },
    "TimelineItem": {
        "18.5": (
            "AddFlag AddFusionComp AddMarker AddTake AddVersion ClearClipColor ClearFlags CopyGrades CreateMagicMask "
            "DeleteFusionCompByName DeleteMarkerAtFrame DeleteMarkerByCustomData DeleteMarkersByColor "
            "DeleteTakeByIndex DeleteVersionByName ExportFusionComp FinalizeTake GetClipColor GetClipEnabled "
            "GetCurrentVersion GetDuration GetEnd GetFlagList GetFlags GetFusionCompByIndex GetFusionCompByName "
            "GetFusionCompCount GetFusionCompNameList GetFusionCompNames GetLUT GetLeftOffset GetMarkerByCustomData "
            "GetMarkerCustomData GetMarkers GetMediaPoolItem GetName GetNodeLabel GetNumNodes GetProperty "
            "GetRightOffset GetSelectedTakeIndex GetStart GetStereoConvergenceValues GetStereoLeftFloatingWindowParams "
            "GetStereoRightFloatingWindowParams GetTakeByIndex GetTakesCount GetUniqueId GetVersionNameList "
            "GetVersionNames ImportFusionComp LoadBurnInPreset LoadFusionCompByName LoadVersionByName "
            "RegenerateMagicMask RenameFusionCompByName RenameVersionByName SelectTakeByIndex SetCDL SetClipColor "
            "SetClipEnabled SetLUT SetProperty SmartReframe Stabilize UpdateMarkerCustomData UpdateSidecar"
        ),
        "19.0": (
            "AssignToColorGroup ExportLUT GetColorGroup GetLinkedItems GetNodeGraph GetSourceAudioChannelMapping "
            "GetSourceEndFrame GetSourceEndTime GetSourceStartFrame GetSourceStartTime GetTrackTypeAndIndex "
            "RemoveFromColorGroup"
        ),
        "19.1": "GetIsColorOutputCacheEnabled GetIsFusionOutputCacheEnabled SetColorOutputCache SetFusionOutputCache",
        "20.1": "GetVoiceIsolationState SetVoiceIsolationState",
        "20.2": "ResetAllNodeColors SetName",
        "21.1": "AddTransition GetProperties GetSpeed GetType SetProperties SetSpeed",
    },
    "Gallery": {
        "18.5": "GetAlbumName GetCurrentStillAlbum GetGalleryStillAlbums SetAlbumName SetCurrentStillAlbum",
        "19.1": "CreateGalleryPowerGradeAlbum CreateGalleryStillAlbum GetGalleryPowerGradeAlbums",
    },
    "GalleryStillAlbum": {
        "18.5": "DeleteStills ExportStills GetLabel GetStills SetLabel",
        "18.6": "ImportStills",
    },
    "Graph": {
        "19.0": "GetLUT GetNodeLabel GetNumNodes GetToolsInNode SetLUT SetNodeEnabled",
        "19.1": "ApplyArriCdlLut ApplyGradeFromDRX GetNodeCacheMode ResetAllGrades SetNodeCacheMode",
    },
    "ColorGroup": {
        "19.0": "GetClipsInTimeline GetName GetPostClipNodeGraph GetPreClipNodeGraph SetName",
    },
    # Fusion's own objects, which the scripting documentation leaves to Fusion's.
    "Fusion": {"18.5": "GetVersion"},
    "FusionComp": {"18.5": "GetAttrs GetToolList FindTool"},
    "FusionTool": {"18.5": "GetAttrs GetBezierPolyline GetInput"},
    "GalleryStill": {},
}

# class → the version that took them away → names
_GONE: dict[str, dict[str, str]] = {
    "Project": {"21.1": "GetSetting SetSetting"},
    "Timeline": {"21.1": "GetSetting SetSetting"},
    "TimelineItem": {"21.1": "GetProperty SetProperty"},
}

STUDIO_ONLY = frozenset(
    f"{owner}.{name}"
    for owner, names in {
        "Folder": "TranscribeAudio ClearTranscription PerformAudioClassification RemoveMotionBlur AnalyzeForSlate",
        "MediaPool": "CreateStereoClip",
        "MediaPoolItem": "TranscribeAudio ClearTranscription PerformAudioClassification RemoveMotionBlur",
        "Timeline": "CreateSubtitlesFromAudio DetectSceneCuts ConvertTimelineToStereo AnalyzeDolbyVision",
        "TimelineItem": "CreateMagicMask RegenerateMagicMask SmartReframe SetVoiceIsolationState",
        "Project": "GenerateSpeech",
    }.items()
    for name in names.split()
)
"""Calls that open a modal window in the free edition; every call after that fails until someone closes it."""

INSERTS_TRACKS_SINCE = "19.1"
"""From here on `AddTrack` listens to an index."""

SUBFRAMES_SINCE = "19.0"
"""From here on positions take an argument: True for fractions of a frame. Before, the argument is a wrong number of
arguments."""


def version_key(version: str) -> tuple[int, ...]:
    """`"21.0.4"` as (21, 0, 4), for comparing."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def names_of(owner: str, version: str) -> frozenset[str]:
    """The method names that objects of class `owner` have in Resolve `version`."""
    return _until(_NAMES[owner], version) - _until(_GONE.get(owner, {}), version)


def _until(changes: dict[str, str], version: str) -> frozenset[str]:
    there = (names for since, names in changes.items() if version_key(since) <= version_key(version))
    return frozenset(name for names in there for name in names.split())


def classes() -> tuple[str, ...]:
    """All classes of the API."""
    return tuple(_NAMES)
